"""The dashboards, a module each: its ``board()`` gives the SDK's dashboard. ``frame`` is what they share."""
