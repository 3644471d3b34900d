"""`look`: the shipped dashboards as a page on 127.0.0.1, drawn from the store, for those without a Grafana.

``boards`` reads the committed dashboards, ``questions`` asks the store what their panels ask, ``guard`` lets in who has
the link, ``server`` puts them together. ``python -m pipelines.cli.look`` is the service that ``yuqing up --look``
starts (``pipelines.services.look``). It only reads, as the accounts that a Grafana would use.
"""
