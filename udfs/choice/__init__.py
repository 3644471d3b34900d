"""The choice between options of a plan, on their results: risk gate, Pareto set, ranking, stability, sensitivity.

Pure: no files, no people. Called by the job that simulates a plan, and when a person releases an option
(docs/choice.md). ``judge`` says how each option stands, ``weigh`` again after a release; ``draws`` and ``design`` say
at which assumptions the options are to be evaluated, ``indices`` what came of it.
"""

from udfs.choice.draws import draws
from udfs.choice.sensitivity import TARGETS, Design, design, indices
from udfs.choice.weighing import DrawValues, judge, weigh

__all__ = ["TARGETS", "Design", "DrawValues", "design", "draws", "indices", "judge", "weigh"]
