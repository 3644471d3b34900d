"""Policy simulation: a plan, its rules and a population in; options side by side with intervals out.

    prepared    plan.yaml, rules, population -> Prepared: checked against each other, before anything runs
    marks       one pass over everybody without any option: medians, quantile cuts
    work        Beam's elements: options x runs of shards, draws, samples -> tallies in files
    sentiment   moods of posts as a sensitivity beside the run, where a plan asks for it
    simulate    the whole, in order; merges tallies and judges
    outputs     runs.parquet, report.html, report.docx, report.json of a run, and reading them back
    releases    a named person releases an intercepted option
    stored      the same into the store

Called by ``pipelines.cli`` (``simulate``, ``submit policy``, ``policy``) and ``pipelines.bench``.
"""

NAME = "policy"
PURPOSE = "Weigh options of a public policy before people decide on it; no decision about a person is made."
LAWFUL_BASIS = "statutory_duty"
