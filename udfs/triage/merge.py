"""Rules and model, made one: which of the two decides a hazard, who speaks, and how a call stands.

Rules are precise where their words stand and silent where nobody thought of the words; the model (`hints`, from
classify) is never silent. Therefore:

* hazards: what either names, the model over its own thresholds;
* source_kind: the rules where words speak for their answer, else the model when it is sure, else the rules' default;
* state: the same, but `unclear` without words of doubt follows from there being neither need nor hazard, whatever the
  model says. Closing a call that is still open may cost a life, leaving a closed one open costs a look: so a call is
  closed only by a very sure model, and kept open by a fairly sure one.

`training/encoder/judge_triage.py` measures rules alone, the model alone, and both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.records import HAZARDS
from udfs.triage.evidence import Finding

Hints = Mapping[str, Any] | None
"""One value of the column `hints`; None, or with nulls for fields, when the model cannot tell."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Who is asked, and from which probability on the model is believed."""

    rules: bool = True
    """False: the rules' words do not count where the model answers."""
    model: bool = True
    source_from: float = 0.6
    state_from: float = 0.5
    closed_from: float = 0.85
    """In place of `state_from` where a post with a need or a hazard is to be closed."""

    def hazards(self, by_rule: Sequence[str], hints: Hints) -> dict[str, str]:
        """Return hazard -> why the model named it ("" where a rule did), in the contract's order."""
        named = self._hint(hints, "hazards")
        said = {each["hazard"]: _sure(each["score"]) for each in named or ()}
        if self.rules or named is None:
            said |= dict.fromkeys(by_rule, "")
        return {hazard: said[hazard] for hazard in HAZARDS if hazard in said}

    def source(self, by_rule: Finding, hints: Hints) -> Finding:
        """Return who speaks."""
        kind, score = self._hint(hints, "source_kind"), self._hint(hints, "source_score")
        if kind is None or (self.rules and (by_rule.evident or score < self.source_from)):
            return by_rule
        return Finding(kind, _sure(score))

    def state(self, by_rule: Finding, hints: Hints, call: bool) -> Finding:
        """Return how the call stands; ``call``: the post has a need or a hazard."""
        state, score = self._hint(hints, "state"), self._hint(hints, "state_score")
        if state is None or (self.rules and by_rule.evident):
            return by_rule
        if self.rules:
            # without a call nothing is open or partly answered, and a call alone is never unclear
            possible = state == "closed" or (call and state != "unclear")
            wanted = self.closed_from if call and state == "closed" else self.state_from
            if not possible or state == by_rule.label or score < wanted:
                return by_rule
        return Finding(state, _sure(score))

    def calls(self, hints: Hints) -> bool:
        """Return whether the model names a hazard: then the post is worth reading whatever its words are."""
        return bool(self._hint(hints, "hazards"))

    def _hint(self, hints: Hints, name: str) -> Any:
        return hints[name] if self.model and hints is not None else None


def _sure(score: float) -> str:
    return f"the model says so ({score:.2f})"


MERGED = Merge()
RULES_ALONE = Merge(model=False)
MODEL_ALONE = Merge(rules=False)
