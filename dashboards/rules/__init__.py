"""Alert rules of Grafana, and who is told: one module a rule group, each rule data (``rule.AlertRule``).

``files.files()`` gives what is committed: YAML for Grafana's file provisioning, JSON for its HTTP API. A call for help
does not wait for these: the stream itself tells the channels of ``yuqing alerts`` first. What is here tells those who
watch a Grafana, and tells them when the stream itself has stopped.
"""
