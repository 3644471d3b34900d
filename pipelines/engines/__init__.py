"""Engines run a chain of steps over a source: inline (a loop), flink (streams), beam (batches); and work on single
elements (`work`): pool (processes of the command), elements (Beam).

An engine knows sources, delivery and back-pressure; it knows nothing of what the steps do.
"""
