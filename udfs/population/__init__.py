"""Populations: people, households and what they live in, as shards of arrays; loaded from tables or synthesised."""
