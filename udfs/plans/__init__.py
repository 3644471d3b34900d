"""Plans: what was asked, which options are weighed and how they are judged, as one checked YAML file (docs/plans.md).

Called by jobs and the command line, before anything is computed: ``load`` gives the `schemas.policy.Plan`,
``levers_of`` all levers of an option, ``say`` a lever's value in Chinese.
"""

from udfs.plans.options import levers_of, say
from udfs.plans.reading import load

__all__ = ["levers_of", "load", "say"]
