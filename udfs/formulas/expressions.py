"""From a formula's text to its typed tree: names are resolved, entities, kinds and units checked on the way."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from schemas.errors import UsageError
from schemas.policy import ENTITIES
from udfs.formulas import units
from udfs.formulas.parameters import BRACKETS, STEPS, TABLE, Parameter
from udfs.formulas.ruleset import Formula, Variable
from udfs.formulas.syntax import AGGREGATES, cut, nearest, read, source
from udfs.formulas.tree import BOOLEAN, CATEGORY, NUMBER, Expr, Scope, carry, level
from udfs.formulas.units import Unit


@dataclass
class Typing:
    """Types one formula. Raises UsageError with file, line and the part's own text."""

    scope: Scope
    variable: Variable
    formula: Formula
    inside: bool = False
    """In an aggregate: lower entities may be named."""
    guards: int = 0
    draws: int = field(default=0)

    def run(self) -> Expr:
        """The whole formula, of the variable's entity, kind and unit."""
        variable, place = self.variable, self.formula.place
        if variable.entity not in self.scope.entities:
            raise variable.place.error(
                f"the population has no {variable.entity}; it has {', '.join(self.scope.entities)}"
            )
        expr = self.build(read(self.formula.text, place))
        if expr.kind != variable.kind:
            raise place.error(f"a {variable.kind} is wanted, the formula is a {expr.kind}: `{cut(self.formula.text)}`")
        wanted = units.parse(variable.unit)
        if expr.kind == NUMBER and expr.unit is not None and expr.unit != wanted:
            raise place.error(f"the unit is {variable.unit}, the formula's is {expr.unit}: `{cut(self.formula.text)}`")
        return carry(expr, variable.entity)

    # ---- nodes

    def build(self, node: ast.expr) -> Expr:
        build = getattr(self, "_" + type(node).__name__.lower())
        expr: Expr = build(node)
        return expr

    def _constant(self, node: ast.Constant) -> Expr:
        if isinstance(node.value, str):
            raise self.error(node, 'a word stands only in `x == "word"` and `x in ("a", "b")`')
        if isinstance(node.value, bool):
            return Expr("constant", (), None, BOOLEAN, None, self.text(node), node.value)
        value = float(node.value)  # type: ignore[arg-type]
        return Expr("constant", (), None, NUMBER, units.ONE if value else None, self.text(node), value)

    def _tuple(self, node: ast.Tuple) -> Expr:
        raise self.error(node, "a list stands only after `in`")

    def _name(self, node: ast.Name) -> Expr:
        name, scope, rules = node.id, self.scope, self.scope.rules
        if name in ("true", "false"):
            return Expr("constant", (), None, BOOLEAN, None, name, name == "true")
        if name in rules.variables:
            variable = rules.variables[name]
            return self.of_entity(node, "variable", variable.entity, variable.kind, variable.unit)
        if name in scope.columns:
            column = scope.columns[name]
            return self.of_entity(node, "column", column.entity, column.kind, column.unit, column.categories)
        if name in rules.levers:
            lever = rules.levers[name]
            kind = CATEGORY if lever.kind == "choice" else lever.kind
            unit = units.parse(lever.unit) if kind == NUMBER else None
            return Expr("lever", (), None, kind, unit, name, name, frozenset((name,)), words=lever.values)
        if name in rules.assumptions:
            unit = units.parse(rules.assumptions[name].unit)
            return Expr("assumption", (), None, NUMBER, unit, name, name, frozenset((name,)))
        if name in rules.parameters:
            return self.parameter(node, rules.parameters[name])
        if name in ENTITIES:
            if not self.inside:
                raise self.error(node, f"{name} stands only inside an aggregate, such as count({name})")
            if name not in scope.entities:
                raise self.error(node, f"the population has no {name}; it has {', '.join(scope.entities)}")
            return Expr("members", (), name, BOOLEAN, None, name, name)
        raise self.error(node, f"nothing is called {name!r}{nearest(name, scope.names())}")

    def of_entity(
        self, node: ast.Name, op: str, entity: str, kind: str, unit: str, words: tuple[str, ...] = ()
    ) -> Expr:
        home = self.variable.entity
        if entity not in self.scope.entities:
            raise self.error(node, f"it is of the {entity}, which the population has not")
        if not self.inside and level(entity) < level(home):
            raise self.error(
                node, f"{node.id} is of the {entity}, below the {home}: aggregate it, such as sum({node.id})"
            )
        try:
            of = units.parse(unit) if kind == NUMBER else None
        except ValueError as error:  # of a column: nobody checked it before
            raise self.error(node, str(error)) from None
        return Expr(op, (), entity, kind, of, node.id, node.id, frozenset((node.id,)), words=words)

    def parameter(self, node: ast.Name, parameter: Parameter) -> Expr:
        value = parameter.at(self.scope.on)
        unit = units.parse(parameter.unit)
        if parameter.kind in (BRACKETS, STEPS):
            use = "tax" if parameter.kind == BRACKETS else "step"
            raise self.error(node, f"{node.id} are {parameter.kind}: write {use}(x, {node.id})")
        if parameter.kind != TABLE:
            return Expr("constant", (), None, NUMBER, unit, node.id, value)
        if not isinstance(value, Mapping):
            raise TypeError(parameter.name)
        by = self.build(ast.Name(id=parameter.by, ctx=ast.Load()))
        if by.kind != CATEGORY:
            raise self.error(node, f"it is a table by {parameter.by}, which is a {by.kind}, not a choice or category")
        if set(value) != set(by.words):
            missing = sorted(set(by.words) - set(value)) or sorted(set(value) - set(by.words))
            raise parameter.place.error(f"its table and {parameter.by} do not agree on {', '.join(missing)}")
        table = tuple(value[word] for word in by.words)
        if by.op == "lever":
            return Expr("pick", (by,), None, NUMBER, unit, node.id, dict(zip(by.words, table, strict=True)), by.names)
        return Expr("table", (by,), by.entity, NUMBER, unit, node.id, table, by.names)

    def _unaryop(self, node: ast.UnaryOp) -> Expr:
        part = self.build(node.operand)
        if isinstance(node.op, ast.Not):
            return self.make(node, "not", (self.boolean(part, node.operand),), BOOLEAN, None)
        self.number(part, node.operand)
        return part if isinstance(node.op, ast.UAdd) else self.make(node, "negative", (part,), NUMBER, part.unit)

    def _binop(self, node: ast.BinOp) -> Expr:
        left = self.number(self.build(node.left), node.left)
        if isinstance(node.op, ast.Pow):
            return self.power(node, left)
        right = self.number(self.build(node.right), node.right)
        if isinstance(node.op, ast.Add | ast.Sub):
            op = "add" if isinstance(node.op, ast.Add) else "subtract"
            return self.make(node, op, (left, right), NUMBER, self.same_unit(node, (left, right)))
        zero = left.unit is None or right.unit is None
        if isinstance(node.op, ast.Mult):
            unit = None if zero else left.unit * right.unit  # type: ignore[operator]
            return self.make(node, "multiply", (left, right), NUMBER, unit)
        if right.unit is None:
            raise self.error(node, "division by zero")
        unit = None if zero else left.unit / right.unit  # type: ignore[operator]
        return self.make(node, "divide", (left, right), NUMBER, unit)

    def power(self, node: ast.BinOp, base: Expr) -> Expr:
        exponent = self.literal(node.right, "the exponent")
        if abs(exponent) > 10:
            raise self.error(node, "an exponent lies between -10 and 10")
        fraction = Fraction(exponent).limit_denominator(12)
        if base.unit not in (None, units.ONE) and abs(float(fraction) - exponent) > 1e-12:
            raise self.error(node, f"{base.unit} has no power {exponent:g}")
        unit = None if base.unit is None else base.unit**fraction
        return self.make(node, "power", (base,), NUMBER, unit, exponent)

    def _boolop(self, node: ast.BoolOp) -> Expr:
        parts = [self.boolean(self.build(node.values[0]), node.values[0])]
        self.guards += 1
        parts += [self.boolean(self.build(value), value) for value in node.values[1:]]
        self.guards -= 1
        return self.make(node, "and" if isinstance(node.op, ast.And) else "or", parts, BOOLEAN, None)

    def _ifexp(self, node: ast.IfExp) -> Expr:
        condition = self.boolean(self.build(node.test), node.test)
        self.guards += 1
        yes, no = self.build(node.body), self.build(node.orelse)
        self.guards -= 1
        if yes.kind != no.kind or yes.kind == CATEGORY:
            raise self.error(node, f"both branches must be numbers or both booleans, not {yes.kind} and {no.kind}")
        unit = self.same_unit(node, (yes, no)) if yes.kind == NUMBER else None
        return self.make(node, "if", (condition, yes, no), yes.kind, unit)

    def _compare(self, node: ast.Compare) -> Expr:
        pairs = []
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            pairs.append(self.pair(node, left, operator, right))
            left = right
        return pairs[0] if len(pairs) == 1 else self.make(node, "and", pairs, BOOLEAN, None)

    def pair(self, node: ast.expr, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Expr:
        if isinstance(left, ast.Constant) and isinstance(left.value, str):
            left, right = right, left
            if not isinstance(operator, ast.Eq | ast.NotEq):
                raise self.error(node, "words are compared by ==, != and in")
        part = self.build(left)
        if isinstance(operator, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple) or not right.elts:
                raise self.error(node, "`in` wants a list, such as (1, 2)")
            found = self.make(node, "or", [self.equals(node, part, entry) for entry in right.elts], BOOLEAN, None)
            return found if isinstance(operator, ast.In) else self.make(node, "not", (found,), BOOLEAN, None)
        if part.kind != NUMBER:
            if not isinstance(operator, ast.Eq | ast.NotEq):
                raise self.error(node, f"a {part.kind} is compared by == and != only")
            found = self.equals(node, part, right)
            return found if isinstance(operator, ast.Eq) else self.make(node, "not", (found,), BOOLEAN, None)
        other = self.number(self.build(right), right)
        self.same_unit(node, (part, other))
        return self.make(node, type(operator).__name__.lower(), (part, other), BOOLEAN, None)

    def equals(self, node: ast.expr, part: Expr, right: ast.expr) -> Expr:
        if part.kind == CATEGORY:
            if not (isinstance(right, ast.Constant) and isinstance(right.value, str)):
                raise self.error(node, f"{part.text} is compared with one of {', '.join(part.words)}")
            if right.value not in part.words:
                hint = nearest(right.value, part.words) or f": it has {', '.join(part.words)}"
                raise self.error(node, f"{part.text} is never {right.value!r}{hint}")
            word: str | int = right.value if part.op == "lever" else part.words.index(right.value)
            return self.make(node, "is", (part,), BOOLEAN, None, word)
        other = self.build(right)
        if other.kind != part.kind:
            raise self.error(node, f"a {part.kind} is compared with a {other.kind}")
        if part.kind == NUMBER:
            self.same_unit(node, (part, other))
        return self.make(node, "eq", (part, other), BOOLEAN, None)

    # ---- calls

    def _call(self, node: ast.Call) -> Expr:
        name = node.func.id  # type: ignore[attr-defined]
        if name in AGGREGATES:
            return self.aggregate(node, name)
        if name in ("tax", "step"):
            return self.schedule(node, name)
        if name == "quantity":
            return self.quantity(node)
        if name in ("chance", "normal"):
            return self.draw(node, name)
        parts = [self.number(self.build(arg), arg) for arg in node.args]
        if name == "ratio":
            unit = None if None in (parts[0].unit, parts[1].unit) else parts[0].unit / parts[1].unit  # type: ignore[operator]
        elif name in ("exp", "log", "logistic"):
            unit = self.plain(node, parts[0])
        elif name == "sqrt":
            unit = None if parts[0].unit is None else parts[0].unit ** Fraction(1, 2)
        else:
            unit = self.same_unit(node, parts)
        return self.make(node, name, parts, NUMBER, unit)

    def plain(self, node: ast.expr, part: Expr) -> Unit:
        if part.unit not in (None, units.ONE):
            raise self.error(node, f"a number without unit is wanted, not {part.unit}")
        return units.ONE

    def quantity(self, node: ast.Call) -> Expr:
        value = self.literal(node.args[0], "the amount")
        unit = node.args[1]
        if not (isinstance(unit, ast.Constant) and isinstance(unit.value, str)):
            raise self.error(node, 'the unit is written as a text, such as quantity(5, "CNY/m2")')
        try:
            parsed = units.parse(unit.value)
        except ValueError as error:
            raise self.error(node, str(error)) from None
        return Expr("constant", (), None, NUMBER, parsed, self.text(node), value)

    def schedule(self, node: ast.Call, name: str) -> Expr:
        kind = BRACKETS if name == "tax" else STEPS
        named = node.args[1]
        parameter = self.scope.rules.parameters.get(named.id) if isinstance(named, ast.Name) else None
        if parameter is None or parameter.kind != kind:
            raise self.error(node, f"{name} wants the name of a parameter of kind {kind} as its second")
        part = self.number(self.build(node.args[0]), node.args[0])
        of = units.parse(parameter.of)
        if part.unit is not None and part.unit != of:
            raise self.error(node, f"{parameter.name} is for {of}, not for {part.unit}")
        points = parameter.at(self.scope.on)
        return self.make(node, name, (part,), NUMBER, units.parse(parameter.unit), points)

    def draw(self, node: ast.Call, name: str) -> Expr:
        if self.inside:
            raise self.error(node, f"{name} draws for the variable's entity: make a variable of it, then aggregate")
        self.draws += 1
        drawn = "uniform" if name == "chance" else "normal"
        home = self.variable.entity
        draw = Expr(drawn, (), home, NUMBER, units.ONE, self.text(node), f"{self.variable.name}#{self.draws}")
        if name == "normal":
            return draw
        part = self.number(self.build(node.args[0]), node.args[0])
        self.plain(node, part)
        return self.make(node, "lt", (draw, part), BOOLEAN, None)

    def aggregate(self, node: ast.Call, name: str) -> Expr:
        home = self.variable.entity
        if self.inside:
            raise self.error(node, "an aggregate inside an aggregate: make the inner one a variable of its own")
        if home == "district":
            raise self.error(node, "a district lies in many shards: aggregate up to the neighbourhood at most")
        self.inside = True
        part = self.build(node.args[0])
        self.inside = False
        if part.entity is None or level(part.entity) >= level(home):
            of = f"of the {part.entity}" if part.entity else "of no entity"
            raise self.error(node, f"{part.text} is {of}: something below the {home} is wanted")
        if name in ("count", "any", "all"):
            self.boolean(part, node.args[0])
        elif not (name == "mean" and part.kind == BOOLEAN):
            hint = ": write count(...)" if name == "sum" and part.kind == BOOLEAN else ""
            self.number(part, node.args[0], hint)
        kind = BOOLEAN if name in ("any", "all") else NUMBER
        unit = part.unit if name in ("sum", "mean", "most", "least") and part.kind == NUMBER else units.ONE
        return Expr(
            name, (part,), home, kind, unit if kind == NUMBER else None, self.text(node), None, part.names,
            bool(self.guards),
        )  # fmt: skip

    # ---- checks

    def make(
        self, node: ast.expr, op: str, parts: Iterable[Expr], kind: str, unit: Unit | None, data: Any = None
    ) -> Expr:
        """A node over its parts, each carried down to the lowest entity among them."""
        args = tuple(parts)
        entities = [part.entity for part in args if part.entity]
        entity = min(entities, key=level) if entities else None
        if entity:
            args = tuple(carry(part, entity) for part in args)
        names = frozenset().union(*(part.names for part in args))
        return Expr(op, args, entity, kind, unit, self.text(node), data, names, bool(self.guards))

    def number(self, part: Expr, node: ast.expr, hint: str = "") -> Expr:
        if part.kind != NUMBER:
            if not hint and part.kind == BOOLEAN:
                hint = f": write `1 if {cut(part.text)} else 0`"
            raise self.error(node, f"a number is wanted, this is a {part.kind}{hint}")
        return part

    def boolean(self, part: Expr, node: ast.expr) -> Expr:
        if part.kind != BOOLEAN:
            raise self.error(node, f"a condition is wanted, this is a {part.kind}")
        return part

    def same_unit(self, node: ast.expr, parts: Iterable[Expr]) -> Unit | None:
        found: Unit | None = None
        for part in parts:
            if found is not None and part.unit is not None and part.unit != found:
                raise self.error(node, f"{found} and {part.unit} do not go together")
            found = found or part.unit
        return found

    def literal(self, node: ast.expr, what: str) -> float:
        sign = 1.0
        while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            sign = -sign if isinstance(node.op, ast.USub) else sign
            node = node.operand
        if not isinstance(node, ast.Constant) or isinstance(node.value, bool | str):
            raise self.error(node, f"{what} must be written as a number")
        return sign * float(node.value)  # type: ignore[arg-type]

    def text(self, node: ast.AST) -> str:
        return node.id if isinstance(node, ast.Name) else source(self.formula.text, node)

    def error(self, node: ast.AST, message: str) -> UsageError:
        shown = cut(self.text(node))
        return self.formula.place.error(f"{message}: `{shown}`" if shown not in message else message)
