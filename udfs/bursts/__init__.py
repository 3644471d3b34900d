"""Bursts and silence: more calls than this hour of day explains, or none where there should be some.

``keys`` says which series a post counts in, ``volume`` how much feed there is, ``baseline`` what a series usually has,
``detector`` compares. All of it is pure: times come with the posts and from the caller's clock. The follower
``pipelines.jobs.bursts`` feeds it and writes the alerts; docs/bursts.md explains the method and its limits.
"""
