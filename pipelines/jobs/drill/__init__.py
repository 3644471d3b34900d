"""Drills: a scenario with known truth is played at a chosen speed into a home of its own, and then scored.

    scenario.py   what is played: a YAML file that names the keys of a generated feed
    place.py      the drill's own home: marked, with a store of its own, and no way to people outside
    score.py      truth against alerts, episodes and what people did: pure
    held.py       what a drill's store holds, gathered and scored
    sheet.py      the score sheet as an HTML file, in Chinese

Only `pipelines.cli.drill` calls this. Nothing here reads or writes the home that serves the city.
"""
