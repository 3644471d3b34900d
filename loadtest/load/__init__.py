"""Load on a running pipeline, offered open-loop from outside: `python -m loadtest.load` (docs/load.md).

schedule (when each post is due) and plan (what a run is) are pure; posts makes the lines, send offers them in a process
of its own, watch looks each second, measure and report turn what the store holds into figures, pictures draws them,
search looks for the highest rate that holds. Only the command line and other rooms of `loadtest` call in here.
"""
