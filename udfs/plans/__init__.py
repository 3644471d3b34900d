"""Plans: what was asked, which options are weighed and how they are judged, as one checked YAML file (docs/plans.md).

Called by jobs and the command line, before anything is computed: ``source`` says which rules and people a plan wants,
``load`` gives the `schemas.policy.Plan`, ``levers_of`` all levers of an option, ``splits`` whether a grouping splits a
measure.
"""

from udfs.plans.measures import splits
from udfs.plans.options import levers_of, say
from udfs.plans.reading import Source, Synthesis, load, source

__all__ = ["Source", "Synthesis", "levers_of", "load", "say", "source", "splits"]
