"""Episodes: calls for help about the same thing as one, hazards with what is claimed and denied, ranked.

`fold.Folder` is the memory over posts and the only door; the rest are its parts: `reading` (what one post says),
`site` (which places are the same), `copies` (near-copies), `written_time`, `closing`, `rumours`, `offers`, `ranking`.
Clocks are passed in, nothing here touches a store. The follower is `pipelines.jobs.episodes`; docs/episodes.md.
"""
