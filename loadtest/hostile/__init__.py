"""Hostile input: a million lines that try to break the product, fed to it from outside, each with what must come of it.

    python -m loadtest.hostile --lines 1000000 --seed 1 --output DIR

`planted` makes identifiers whose place is known, `texts` what surrounds them, `cases` the written cases of JSON,
`reference` says by the contract what a line must become, `lines` puts them together; `feeding` feeds a filter and
watches its time, `checking` compares, `submitting` takes the way of a stream. Called by people and CI, by nothing else.
"""
