"""Sealed values: open where they belong, nowhere else, under any loaded master key."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.crypto import HEADER, OVERHEAD, CannotOpen, Sealer, context
from governance.keys import Key
from schemas.errors import UsageError

OLD, NEW = Key(b"o" * 32), Key(b"n" * 32)


@given(plain=st.binary(max_size=300), row=st.binary(max_size=60))
def test_what_is_sealed_opens_in_another_process(plain: bytes, row: bytes) -> None:
    sealed = Sealer([NEW]).seal(plain, row)
    assert len(sealed) == OVERHEAD + len(plain)
    assert Sealer([NEW]).open(sealed, row) == plain


def test_the_value_does_not_show() -> None:
    value = b"13800001111"
    assert value not in Sealer([NEW]).seal(value, b"row")


def test_every_single_changed_byte_is_found() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal(b"13800001111", b"row")
    for at in range(len(sealed)):
        altered = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(CannotOpen):
            sealer.open(altered, b"row")


@pytest.mark.parametrize("cut", [0, 1, 3, HEADER, OVERHEAD - 1, OVERHEAD + 5])
def test_a_cut_value_does_not_open(cut: int) -> None:
    sealer = Sealer([NEW])
    with pytest.raises(CannotOpen):
        sealer.open(sealer.seal(b"13800001111", b"row")[:cut], b"row")


def test_a_value_copied_to_another_row_does_not_open() -> None:
    sealer = Sealer([NEW])
    with pytest.raises(CannotOpen, match="belongs to another row"):
        sealer.open(sealer.seal(b"13800001111", b"row 1"), b"row 2")


def test_same_row_same_bytes_but_nothing_else_repeats() -> None:
    sealer, other = Sealer([NEW]), Sealer([NEW])
    sealed = [sealer.seal(value, row) for value in (b"1", b"2") for row in (b"a", b"b")]
    assert len({value[HEADER : HEADER + 12] for value in sealed}) == 4, "a nonce repeats"
    assert sealer.seal(b"1", b"a") == sealed[0]
    assert other.seal(b"1", b"a") != sealed[0]
    # context and value must not slide into one another
    assert sealer.seal(b"bc", b"a")[HEADER:] != sealer.seal(b"c", b"ab")[HEADER:]
    assert sealer.seal(b"bc", b"a")[HEADER : HEADER + 12] != sealer.seal(b"c", b"ab")[HEADER : HEADER + 12]


def test_a_data_key_serves_a_bounded_number_of_values() -> None:
    sealer = Sealer([NEW], values_per_data_key=3)
    headers = [sealer.seal(b"x", b"row")[:HEADER] for _ in range(7)]
    assert [len(list(group)) for _, group in itertools.groupby(headers)] == [3, 3, 1]
    assert all(Sealer([NEW]).open(sealer.seal(b"x", b"row"), b"row") == b"x" for _ in range(7))


def test_the_newest_master_key_seals_and_all_open() -> None:
    old_value = Sealer([OLD]).seal(b"old", b"row")
    both = Sealer([NEW, OLD])
    assert both.open(old_value, b"row") == b"old"
    assert Sealer([NEW]).open(both.seal(b"new", b"row"), b"row") == b"new"
    with pytest.raises(CannotOpen, match=f"master key {OLD.id}, which is not loaded"):
        Sealer([NEW]).open(old_value, b"row")


def test_there_must_be_a_master_key() -> None:
    with pytest.raises(UsageError, match=r"keys\.master"):
        Sealer([])


@given(st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4))
def test_contexts_of_different_rows_differ(one: list[str], two: list[str]) -> None:
    assert (context(*one) == context(*two)) == (one == two)
