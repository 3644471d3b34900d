"""The rule language: a folder of YAML -> RuleSet -> Program -> values of variables for a shard. docs/rules-language.md.

    rules = formulas.load(folder)
    program = formulas.compile(rules, columns, on, entities)
    evaluation = program.start(shard, seed)
    values = evaluation.values(levers, assumptions, names)

`parameters`, `ruleset` read; `syntax` parses and refuses; `expressions` makes the typed `tree` (names, entities, kinds,
`units`); `closures` and `aggregates` make functions; `program` orders and compiles; `evaluation` computes and keeps;
`draws` are the random numbers; `cases` are a rule set's own tests. The jobs, `udfs.plans` and the command line call it;
it knows none of them.
"""

from udfs.formulas.cases import Failure, check_cases, count_cases
from udfs.formulas.evaluation import Evaluation
from udfs.formulas.parameters import Lever, Parameter
from udfs.formulas.program import Program, compile
from udfs.formulas.ruleset import RuleSet, Variable, load

__all__ = [
    "Evaluation",
    "Failure",
    "Lever",
    "Parameter",
    "Program",
    "RuleSet",
    "Variable",
    "check_cases",
    "compile",
    "count_cases",
    "load",
]
