"""Sources: where posts come from. Engines decide who reads them and when.

`uri` turns a source URI into a frozen description; `files` and `folder` list splits of JSON-lines files and read them;
`generate` makes a feed of its own, with known truth; `pace` delivers it at a given rate. A split is plain data
(strings, numbers, booleans), so an engine can ship it to a worker and keep it in a checkpoint; reading it gives one
record batch of `schemas.records.RAW`, the same one however often it is read. Bytes are never decoded here:
`udfs.parse` does that.
"""
