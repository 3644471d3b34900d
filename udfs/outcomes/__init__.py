"""Outcomes of a policy simulation: tallies that merge, measures, queues, inequality, estimates with intervals.

    marks = Marks.of(plan, kinds, parts)                       # once, over the baseline of all shards
    tallier = Tallier(plan, kinds, marks, shard, base)         # once a shard
    tally = tallier.tally(values)                              # each option; save, load, merge
    rows = estimate(plan, kinds, marks, full, central, draws)  # list[Result]

Called by the job and by ``yuqing simulate``; udfs.choice may call ``values_only``. Documented in docs/outcomes.md.
"""

from udfs.outcomes.blocks import BLOCKS, REPLICATES
from udfs.outcomes.estimates import estimate, scaling_of, scaling_to, values_of_draws, values_only
from udfs.outcomes.layout import Kind, names
from udfs.outcomes.marks import Marks
from udfs.outcomes.stack import Scaling, Whole
from udfs.outcomes.tallier import Tallier
from udfs.outcomes.tally import Tally, load, merge

__all__ = [
    "BLOCKS",
    "REPLICATES",
    "Kind",
    "Marks",
    "Scaling",
    "Tallier",
    "Tally",
    "Whole",
    "estimate",
    "load",
    "merge",
    "names",
    "scaling_of",
    "scaling_to",
    "values_of_draws",
    "values_only",
]
