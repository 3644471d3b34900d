"""How an episode leaves the house: 12345 work order (ticket), CAP 1.2, and the note from shift to shift.

Pure rendering: what the store knows comes in as a ``Case``, text goes out. Masked text only; no token of a person is in
a Case. Who may export, and that it is written down, is the command's matter (``pipelines.cli.episodes``).
"""
