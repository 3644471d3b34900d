"""The language's grammar: a formula's text as a tree of allowed nodes. Nothing is ever evaluated as Python.

``ast.parse`` only reads; what it reads is walked against a white list, so attributes, subscripts, lambdas, calls of
anything but the functions below never get further than an error.
"""

from __future__ import annotations

import ast
from difflib import get_close_matches

from udfs.formulas.parameters import Place

LONGEST = 2_000
"""Characters of a formula."""
DEEPEST = 60
"""Levels of a formula's tree: far below what Python's stack holds, far above what anyone can read."""

AGGREGATES = ("sum", "count", "any", "all", "mean", "most", "least")
FUNCTIONS = {
    "min": (2, 20),
    "max": (2, 20),
    "abs": (1, 1),
    "floor": (1, 1),
    "ceil": (1, 1),
    "round": (1, 1),
    "exp": (1, 1),
    "log": (1, 1),
    "sqrt": (1, 1),
    "clip": (3, 3),
    "ratio": (2, 2),
    "logistic": (1, 1),
    "tax": (2, 2),
    "step": (2, 2),
    "quantity": (2, 2),
    "chance": (1, 1),
    "normal": (0, 0),
    **dict.fromkeys(AGGREGATES, (1, 1)),
}
"""Name -> fewest and most arguments."""

_ALLOWED = (
    *(ast.Expression, ast.Load, ast.Name, ast.Constant, ast.Tuple, ast.IfExp, ast.Call),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow),
    *(ast.UnaryOp, ast.USub, ast.UAdd, ast.Not, ast.BoolOp, ast.And, ast.Or),
    *(ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.NotIn),
)
_REFUSED = {
    "Attribute": "attributes",
    "Subscript": "subscripts",
    "Lambda": "lambdas",
    "JoinedStr": "f-strings",
    "NamedExpr": "assignments",
    "List": "lists (write `in (1, 2)`)",
    "Mod": "%",
    "FloorDiv": "// (write floor(a / b))",
    "BitAnd": "& (write `and`)",
    "BitOr": "| (write `or`)",
    "BitXor": "^ (write **)",
    "Invert": "~ (write `not`)",
    "Is": "is (write ==)",
    "keyword": "named arguments",
}


def read(text: str, place: Place) -> ast.expr:
    """The formula's tree. Raises UsageError: too long, too deep, not readable, or anything outside the language."""
    if len(text) > LONGEST:
        raise place.error(f"{len(text)} characters; at most {LONGEST}: make variables of its parts")
    if "#" in text:  # lines are joined before: the rest of the formula would be lost without a word
        raise place.error("comments stand outside formulas (`# ...` above the variable, or `note`)")
    depth = deepest = 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        deepest = max(deepest, depth)
    if deepest > DEEPEST:
        raise place.error(f"brackets nested deeper than {DEEPEST}: make variables of its parts")
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise place.error(f"not readable at character {error.offset or 1}: {error.msg}: `{cut(text)}`") from None
    except (ValueError, MemoryError, RecursionError):
        raise place.error(f"not readable: `{cut(text)}`") from None
    _walk(tree, text, place)
    return tree.body


def _walk(tree: ast.AST, text: str, place: Place) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        below: list[ast.AST] = []
        for node in level:
            if not isinstance(node, _ALLOWED):
                kind = type(node).__name__
                shown = source(text, node) if isinstance(node, ast.expr) else text
                raise place.error(f"{_REFUSED.get(kind, kind)}: not part of the language: `{cut(shown)}`")
            if isinstance(node, ast.Call):
                _check_call(node, text, place)
                below.extend(node.args)
                below.extend(node.keywords)
            elif isinstance(node, ast.Constant):
                _check_constant(node, text, place)
            else:
                below.extend(ast.iter_child_nodes(node))
        level = below
        if not level:
            return
    raise place.error(f"nested deeper than {DEEPEST}: make variables of its parts")


def _check_call(node: ast.Call, text: str, place: Place) -> None:
    if not isinstance(node.func, ast.Name):
        raise place.error(f"only functions of the language are called: `{cut(source(text, node))}`")
    bounds = FUNCTIONS.get(node.func.id)
    if bounds is None:
        raise place.error(f"there is no function {node.func.id!r}{nearest(node.func.id, FUNCTIONS)}")
    if not bounds[0] <= len(node.args) <= bounds[1]:
        wanted = str(bounds[0]) if bounds[0] == bounds[1] else f"{bounds[0]} to {bounds[1]}"
        raise place.error(f"{node.func.id} takes {wanted}, not {len(node.args)}: `{cut(source(text, node))}`")


def _check_constant(node: ast.Constant, text: str, place: Place) -> None:
    value = node.value
    if isinstance(value, bool | str):
        return
    if not isinstance(value, int | float) or abs(value) > 1e300:
        raise place.error(f"`{cut(source(text, node))}` is no number of the language")


def source(text: str, node: ast.AST) -> str:
    """The node's own text in the formula."""
    return ast.get_source_segment(text, node) or text


def cut(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def nearest(name: str, known: object) -> str:
    """``: did you mean 'x'?`` or nothing."""
    found = get_close_matches(name, list(known), 1, 0.7)  # type: ignore[call-overload]
    return f": did you mean {found[0]!r}?" if found else ""
