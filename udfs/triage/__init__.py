"""Triage: what the post says about hazard, goods, people, source, state and urgency, by rules over masked text.

`step.Triage` is the step of the opinion job; `merge` weighs the rules against what the model of `classify` hints at;
`needs_rules.need_hits` recognises needs without a model, as weak labels and features. Lexicons are keyword rule files
(docs/keywords.md) in `lexicon/`.
"""
