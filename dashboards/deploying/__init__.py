"""Dashboards, rules and data sources into a Grafana, through its HTTP API. ``dashboards.deploy`` is the only caller.

* ``grafana``: one organisation of one Grafana, its errors in our words;
* ``token``: what a token may do, against what a deploy needs;
* ``wanted``: what is to stand there, read from ``dashboards/generated``;
* ``resources``: each kind of thing: how it is read, compared and written;
* ``marks``: what was deployed last, so that a person's change is told from an old release.
"""
