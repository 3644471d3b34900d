"""Metrics of the services: what is counted, and the page on which Prometheus reads it.

``declared`` has every metric once; who counts imports it and nothing else. ``endpoint`` serves a service's metrics on
127.0.0.1; ``reference`` writes the table of docs/metrics.md. The lowest room of pipelines: it imports no other.
"""
