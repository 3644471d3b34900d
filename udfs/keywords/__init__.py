"""Keyword rules: YAML files of terms, compiled to one Aho-Corasick automaton.

`step.Match` is the step of the opinion job; `rules.load_rules` reads and checks a folder; `normalise` and `quoted`
are what every rule of this project reads text with. `udfs.triage` uses the same engine for its lexicons.
"""
