"""Populations: people, households and what they live in, as shards of arrays; loaded from tables or synthesised.

    synthesise(spec, people, seed, folder)     a made-up population of any size, shard by shard
    load_tables(spec, folder)                  one from CSV or Parquet files with weights
    info(folder), columns(info)                what it says of itself; its columns by name
    read_shard(folder, number, names)          arrays of a shard, views of mapped files
    sample(folder, people, seed, names)        whole clusters by hash, as one shard
    subset(shard, chosen), join(shards)        parts of a shard; shards as one
    catalogue()                                every column of the synthetic population
    fit_text(info)                             how well the margins were met, in words

Called by the policy job and the command line; nothing here knows of rules, plans or outcomes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from udfs.population.catalogue import catalogue
from udfs.population.fitting import fit_text
from udfs.population.selection import join, sample, subset
from udfs.population.shard import Shard
from udfs.population.store import columns, digest, digest_of, info, read_shard, write

__all__ = [
    "Shard", "catalogue", "columns", "digest", "digest_of", "fit_text", "info", "join", "load_tables", "read_shard",
    "sample", "subset", "synthesise", "write",
]  # fmt: skip

if TYPE_CHECKING:
    from udfs.population.loading import load_tables
    from udfs.population.synthesis import synthesise


def __getattr__(name: str) -> Any:
    """What makes populations is imported when it is asked for: workers that read shards start without it."""
    if name == "synthesise":
        from udfs.population.synthesis import synthesise

        return synthesise
    if name == "load_tables":
        from udfs.population.loading import load_tables

        return load_tables
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
