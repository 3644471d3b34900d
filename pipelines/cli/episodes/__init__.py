"""`yuqing episodes`: what is needed where, and what people do about it; imported by ``main.register`` only.

``opening`` opens the store for whoever asks; ``looking`` reads, ``acting`` writes events, ``papers`` writes files.
"""

from pipelines.cli.episodes import looking, acting, papers  # noqa: I001 - the order of --help

del acting, looking, papers
