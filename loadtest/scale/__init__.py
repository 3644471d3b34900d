"""How the pipeline scales, proved from outside: `python -m loadtest.scale` (docs/scaling.md).

`runs` measures one bounded submission, can be stopped and goes on; `curve` and `cost` are rows of such runs; `soak`
holds a steady stream for hours, `trend` judges a series and `growth` all of them; `figures` makes of a cost report the
few numbers that `sizing` needs, and `sizing` computes. Nobody else calls in here.
"""
