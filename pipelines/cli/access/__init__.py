"""Governed access from the command line: a room a group of commands; imported by ``main.register`` only.

``opening`` opens the vault, its ledger and the keys for whoever asks; who asks is ``pipelines.cli.asking``'s to say.
"""

from pipelines.cli.access import reveal, audit, emergency, subject, hold, review, people, keys  # noqa: I001 - the order of --help

del audit, emergency, hold, keys, people, reveal, review, subject
