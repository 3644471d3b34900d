"""Faults as data: `faults.yaml` says what is struck, when, for how long, and what must hold afterwards.

    python -m loadtest.faults [--only NAME...] [--short] --output DIR [--home DIR]

`table` reads the rows, `posts` makes posts of which everything is known, `stage` keeps a home and its jobs, `strikes`
has one function a kind of fault, `proxy` is a wire that can be slow or cut, `checks` says what is wrong afterwards,
`report` draws the table. Called from the command line and by `tests/loadtest/faults`; sees the product from outside.
"""
