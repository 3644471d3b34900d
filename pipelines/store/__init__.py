"""ClickHouse: the embedded server, the one client, migrations, users, sinks, alerts, and what commands ask.

Steps of jobs use ``sinks`` and ``alerts``; commands use ``query`` and ``migrate``; ``embedded`` and ``notify`` are
processes of their own. Tables are declared in ``schemas/migrations``.
"""
