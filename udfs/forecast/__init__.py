"""Early warning: weekly counts of a theme in a district, where they will go, and when they leave their band.

``weeks`` counts, ``themes`` names themes by words, ``models`` asks statsforecast, ``backtest`` rolls an origin over the
past, chooses a model by it and draws bands, ``surges`` finds warnings and how early they came. Pure: no file of posts,
no store, no clock.
"""
