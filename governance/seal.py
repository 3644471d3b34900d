"""The step `seal`: right after `mask`, clear identities become tokens and sealed values.

What happens to what (all of it is L3 or L4, see ``docs/governance.md``):

| column | becomes |
| --- | --- |
| identifiers | one vault row each: sealed value, and a token for those types in which a number repeats |
| author | ``author_token``; sealed too (type AUTHOR) where there is no url, so that a caller can still be reached |
| url | sealed (type URL_FIELD): it leads a rescuer to the post and its author |
| extra | dropped: nothing reads it, and whatever a platform puts there is unknown personal data |

Names, addresses, mentions, authors and urls get no token in the vault: nothing here may join, count or follow people
by name, and ``author_token`` stands in base ``posts`` only. Whether AUTHOR and URL_FIELD rows are kept is decided when
they are stored (``governance.vault.vault_rows``): of posts that ask for nothing they are not.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from governance.crypto import Sealer, context
from governance.keys import load_keys
from governance.tokens import PHONE_KINDS, Tokeniser
from schemas import records
from schemas.step import Step

AUTHOR_FIELD = "AUTHOR"
URL_FIELD = "URL_FIELD"
WITHOUT_TOKEN = frozenset({AUTHOR_FIELD, URL_FIELD, "PERSON", "ADDRESS", "PLACE", "USERNAME", "URL"})
"""Types whose vault rows have an empty token."""

VAULT_VALUE = pa.struct(
    [
        ("type", pa.string()),
        ("start", pa.int32()),  # span in the text as posted; -1 for AUTHOR and URL_FIELD
        ("end", pa.int32()),
        ("token", pa.string()),  # "" for the types in WITHOUT_TOKEN
        ("ciphertext", pa.binary()),
        ("key_id", pa.string()),
    ]
)
VAULT = pa.schema([pa.field("vault", pa.list_(VAULT_VALUE))])


def vault_context(platform: str, post_id: str, kind: str, start: int) -> bytes:
    """Authenticated data of a vault value: one copied to another row, type or offset does not open.

    A context is its parts end to end, so ``Seal`` makes the row's part once and adds the value's.
    """
    return context("vault", platform, post_id, kind, str(start))


class Seal(Step):
    """Replaces identities by keyed tokens and sealed values.

    ``master_key`` and ``token_key`` are key sources as in ``governance.keys``. The same row gives the same values while
    a worker lives; another worker gives another ``vault.ciphertext``. Cost: about 45,000 posts a CPU-second without
    identifiers, 20,000 with one each.
    """

    name = "seal"
    reads = ("id", "platform", "author", "url", "extra", "identifiers")
    writes = pa.schema([*records.SEALED, *VAULT])
    drops = ("identifiers", "author", "url", "extra")

    def __init__(self, home: Path | str, master_key: str = "file", token_key: str = "file") -> None:  # noqa: S107
        self.home = Path(home)
        self.master_key = master_key
        self.token_key = token_key
        self._sealer: Sealer | None = None
        self._tokeniser: Tokeniser | None = None

    def open(self) -> None:
        """Load the keys. Raises UsageError when there are none (they are made by `yuqing up`, never here)."""
        keys = load_keys(self.home, self.master_key, self.token_key)
        self._sealer = Sealer(keys.master)
        self._tokeniser = Tokeniser(keys.token)

    def close(self) -> None:
        """Forget the keys."""
        self._sealer = self._tokeniser = None

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add ``author_token``, ``phone_tokens`` and ``vault``; drop everything in clear."""
        if self._sealer is None or self._tokeniser is None:
            raise RuntimeError("open() was not called")
        values = _Values(self._sealer, self._tokeniser)
        columns = [records.values_of(batch.column(name)) for name in ("id", "platform", "author", "url")]
        found = records.rows_of(batch.column("identifiers"), "type", "start", "end", "value")
        author_tokens, phone_tokens, offsets = [], [], [0]
        for post_id, platform, author, url, identifiers in zip(*columns, found, strict=True):
            row = context("vault", platform or "", post_id or "")
            phones: dict[str, None] = {}
            for one in identifiers or ():
                token = values.add(row, one["type"], one["start"], one["end"], one["value"])
                if token and one["type"] in PHONE_KINDS:
                    phones[token] = None
            if url:
                values.add(row, URL_FIELD, -1, -1, url)
            elif author:
                values.add(row, AUTHOR_FIELD, -1, -1, author)
            author_tokens.append(self._tokeniser.author(platform or "", author) if author else "")
            phone_tokens.append(list(phones))
            offsets.append(len(values))
        vault = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values.array())
        sealed = {"author_token": author_tokens, "phone_tokens": phone_tokens, "vault": vault}
        return records.without_columns(records.with_columns(batch, self.writes, sealed), self.drops)


@lru_cache(maxsize=4_096)
def _context_in_row(kind: str, start: int) -> bytes:
    """What follows the row's part in ``vault_context``: few types, and most of them at few offsets."""
    return context(kind, str(start))


class _Values:
    """Vault values of a batch, column by column: building one array is ten times cheaper than a dict a value."""

    def __init__(self, sealer: Sealer, tokeniser: Tokeniser) -> None:
        self._seal, self._token, self._key_id = sealer.seal, tokeniser.token, sealer.key_id
        self._kinds: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._tokens: list[str] = []
        self._sealed: list[bytes] = []

    def __len__(self) -> int:
        return len(self._kinds)

    def add(self, row: bytes, kind: str, start: int, end: int, value: str) -> str:
        """Seal a value and return its token. ``row``: ``context`` of the post, made once for all its values."""
        token = "" if kind in WITHOUT_TOKEN else self._token(kind, value)
        self._kinds.append(kind)
        self._starts.append(start)
        self._ends.append(end)
        self._tokens.append(token)
        self._sealed.append(self._seal(value.encode(), row + _context_in_row(kind, start)))
        return token

    def array(self) -> pa.StructArray:
        columns = (self._kinds, self._starts, self._ends, self._tokens, self._sealed, [self._key_id] * len(self))
        arrays = [pa.array(column, field.type) for column, field in zip(columns, VAULT_VALUE, strict=True)]
        return pa.StructArray.from_arrays(arrays, fields=list(VAULT_VALUE))
