"""Jobs, the engines that run them, feeds, the store, services and the command line.

Arrows inside: cli > bench > jobs > engines > services > feeds, store > metrics. Only `cli` may import every room.
"""
