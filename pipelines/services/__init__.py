"""The embedded services: ClickHouse, the notifier, Flink and Kafka as child processes without root or Docker.

``control`` is what the command line calls; ``registry`` knows what runs under a HOME; ``process`` starts and stops
detached processes; one module a service. Everything listens on 127.0.0.1 only.
"""
