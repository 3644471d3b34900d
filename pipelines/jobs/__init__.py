"""Jobs: what happens to a post, in one screen each. `REGISTRY` names those that can be submitted."""
