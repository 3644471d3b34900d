"""The encoder: sentiment, emotion and need of a post, from a model bundle.

`step.Classify` is what a job uses; `bundle.load_bundle` reads a folder and proves its hashes; `wide` is the hashed
character n-gram model; `memo` answers copies without a model; `evaluate` and `explain` serve the benchmark and
`--explain`.
"""
