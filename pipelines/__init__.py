"""Jobs, the engines that run them, feeds, the store, services and the command line.

Arrows inside: cli > jobs > engines > feeds, store, services. Only `cli` may import every room.
"""
