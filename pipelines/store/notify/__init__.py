"""The notifier: delivers alerts from the store's table, so that the stream never waits for a receiver.

    python -m pipelines.store.notify --home .yuqing

``service`` is the process; ``notifier`` decides for one channel what is sent now (quiet hours, ``pacing``, digests,
tries again); ``outbox`` is its memory in the store; ``channels`` are the ways to people; ``messages`` what they read.
Commands use ``channels`` (the settings' ones) and ``notifier`` (to test one). docs/alerts.md says how to set it up.
"""
