"""The tagger of names and places: two small networks over characters, run on a whole batch at once.

The first reads everything. Each character gets an embedding, and so does its pair with the character before (hashed);
three dilated convolutions see seven characters to either side; a softmax gives one of seven tags. The texts are laid
end to end with gaps wider than that, so nothing is padded and no text sees another.

The second is fifteen times as dear and decides about PERSON. It reads only what stands around characters that the
first gives the least chance to be a person's (about a sixth of everyday posts): the recurrent network of Baidu's LAC,
and convolutions that learnt our rules on top of it. How they were trained: ``training/pii``.

Cost: 0.05 million multiply-adds a character for the first look, 0.85 million for the second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime

from schemas.errors import ModelError
from udfs.pii.names import refine_person, refine_place
from udfs.pii.spans import Span

MODEL = Path(__file__).with_name("model")
TAGS = ("O", "B-PERSON", "I-PERSON", "B-PLACE", "I-PLACE", "B-LOC", "I-LOC")
"""LOC is what is not personal: provinces, cities, countries, mountains. Told apart, never masked."""

GAP = 8
"""Empty characters between two texts: more than the network's reach of 7."""
BUCKETS = 1 << 16
EMOJI_ID, OTHER_ID, DIGIT_ID, LATIN_ID = 1, 2, 3, 4
FIRST_ID = 5
POSSIBLE = 0.05
"""The first network's probability from which the second looks. Of names kept out of training .974 reach it."""
AROUND = 8
"""Characters on either side of a possible name that the second network sees; no more than ``GAP``."""
LONGEST = 64
"""Characters that the second network reads at once; longer stretches are read in pieces that share 2 x ``AROUND``."""
READ_MOST = 8_192
"""Characters of one text that the second network reads, a quarter of a second's work. A text has more only when it is
little else but names; what is left of it is masked on the first network's suspicion."""
SURE = 0.9
"""The first network's probability from which it is believed."""
_TOGETHER = 64
_LONGEST_MENTION = 10
_ENDS_MENTION = np.array([not char.isalnum() and char not in "_-·@＠" for char in map(chr, range(0x10000))])
_CHUNK = 16_384
PERSON_FROM = 0.3
"""The probability from which a character is a person's (card.md has what others give). A name missed is a person
exposed; a word masked in vain is a word less."""

Int32s = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
CodePoints = npt.NDArray[np.uint32]


def code_points(text: str) -> CodePoints:
    """Return the code points of ``text``, lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def lay_out(texts: Sequence[str], table: Int32s) -> tuple[Int32s, Int32s, Floats, list[int]]:
    """Lay texts end to end: character ids, pair ids, a mask (0 in the gaps), and where each text starts.

    ``table`` maps the 65,536 code points of the basic plane to ids; others count as emoji.
    """
    points, mask, starts = end_to_end(texts)
    ids, pairs = ids_of(points, mask, table)
    return ids, pairs, mask, starts


def end_to_end(texts: Sequence[str]) -> tuple[CodePoints, Floats, list[int]]:
    """Return the texts' code points with ``GAP`` zeros around each, a mask (0 in the gaps), where each text starts."""
    starts, total = [], GAP
    for text in texts:
        starts.append(total)
        total += len(text) + GAP
    points = np.zeros(total, np.uint32)
    mask = np.zeros(total, np.float32)
    for text, start in zip(texts, starts, strict=True):
        points[start : start + len(text)] = code_points(text)
        mask[start : start + len(text)] = 1.0
    return points, mask, starts


def ids_of(points: CodePoints, mask: Floats, table: Int32s) -> tuple[Int32s, Int32s]:
    """Return the first network's ids of characters and of their pairs with the character before."""
    ids = np.where(points < 0x10000, table[np.minimum(points, 0xFFFF)], EMOJI_ID) * (mask > 0)
    wide = ids.astype(np.uint32)
    before = np.concatenate([np.zeros(1, np.uint32), wide[:-1]])
    pairs = ((before * np.uint32(0x9E3779B1)) ^ (wide * np.uint32(0x85EBCA6B))) >> np.uint32(16)
    return ids.astype(np.int32), pairs.astype(np.int32)


class Piece(NamedTuple):
    """What the second network reads at once, [start, stop) of the layout, and decides about, [opens, closes)."""

    start: int
    stop: int
    opens: int
    closes: int


def doubtful(person: Floats, points: CodePoints) -> npt.NDArray[np.bool_]:
    """Return the characters about which the second network is to be asked.

    They are those that the first, which gives ``person``, thinks neither impossible nor sure to be a person's, and
    that are no part of an @mention: those are masked as such whatever is in them.
    """
    at = np.arange(len(points))
    mention = np.maximum.accumulate(np.where((points == ord("@")) | (points == ord("＠")), at, -1))
    mention_ends = np.maximum.accumulate(np.where(_ENDS_MENTION[np.minimum(points, 0xFFFF)], at, -1))
    mentioned = (mention > mention_ends) & (at - mention <= _LONGEST_MENTION)
    asked: npt.NDArray[np.bool_] = (person > POSSIBLE) & (person < SURE) & ~mentioned
    return asked


def pieces(asked: npt.NDArray[np.bool_], mask: Floats) -> list[Piece]:
    """Cut out what the second network reads: the surroundings of the characters ``asked`` about.

    No piece crosses from one text into another, and a text's pieces do not depend on the others of its batch.
    """
    possible = np.concatenate([[0], np.cumsum(asked & (mask > 0))])
    at = np.arange(len(asked))
    near = possible[np.minimum(at + AROUND + 1, len(asked))] > possible[np.maximum(at - AROUND, 0)]
    near &= mask > 0  # GAP is no narrower than AROUND, so nothing is asked about from another text
    edges = np.flatnonzero(np.diff(np.concatenate([[False], near, [False]]).astype(np.int8)))
    found = []
    for start, stop in edges.reshape(-1, 2).tolist():
        at_once, opens = start, start
        while stop - at_once > LONGEST:
            end = at_once + LONGEST
            found.append(Piece(at_once, end, opens, end - AROUND))
            at_once, opens = end - 2 * AROUND, end - AROUND
        found.append(Piece(at_once, stop, opens, stop))
    return found


def affordable(found: Sequence[Piece], starts: Sequence[int]) -> tuple[list[Piece], list[Piece]]:
    """Return the pieces that the second network reads, and those past ``READ_MOST`` characters of a text."""
    bounds = np.array(starts)
    read: list[Piece] = []
    left: list[Piece] = []
    text, spent = -1, 0
    for piece in found:
        of = int(np.searchsorted(bounds, piece.start, "right"))
        spent = piece.stop - piece.start + (spent if of == text else 0)
        text = of
        (read if spent <= READ_MOST else left).append(piece)
    return read, left


def padded(part: Sequence[Piece], values: Int32s) -> tuple[Int32s, Int32s, Floats]:
    """Return the values of pieces as (pieces, longest) with zeros after each, their lengths, and a mask as wide."""
    starts = np.array([piece.start for piece in part])
    lengths = np.array([piece.stop - piece.start for piece in part], np.int32)
    across = np.arange(int(lengths.max()))
    mask = across < lengths[:, None]
    where = np.where(mask, starts[:, None] + across, 0)
    return np.where(mask, values[where], 0).astype(np.int32), lengths, mask.astype(np.float32)


def together(found: Sequence[Piece]) -> list[list[Piece]]:
    """Return the pieces in groups of like length: what one call of the second network takes."""
    order = sorted(found, key=lambda piece: piece.stop - piece.start)
    return [order[at : at + _TOGETHER] for at in range(0, len(order), _TOGETHER)]


class Network:
    """One of the bundle's networks, on one thread. Raises what onnxruntime raises when the file is no network."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, **feed: npt.NDArray[Any]) -> Floats:
        """Return the network's only output."""
        return np.asarray(self._session.run(None, feed)[0])


class NameTagger:
    """PERSON and PLACE in Chinese text; a batched recogniser (``registry.BatchedRecogniser``).

    ``person_from`` is the probability that makes a PERSON: lower finds more names and more that are none.
    """

    def __init__(self, model: str | Path = MODEL, person_from: float = PERSON_FROM) -> None:
        self._folder = Path(model)
        self._person_from = person_from
        self.load()

    def load(self) -> None:
        """Load the bundle. Raises ModelError with the remedy."""
        try:
            with np.load(self._folder / "vocabulary.npz") as held:
                self._table = held["table"].astype(np.int32)
                starters = "".join(map(chr, held["starters"]))
            with np.load(self._folder / "person.npz") as held:
                self._person_table = held["table"].astype(np.int32)
            self._first = Network(self._folder / "tagger.onnx")
            self._second = Network(self._folder / "person.onnx")
        except Exception as error:  # onnxruntime has errors of its own with no base in common
            raise ModelError(
                f"the name tagger in {self._folder} cannot be loaded ({type(error).__name__}): reinstall it "
                "or train it with training/pii"
            ) from None
        self._gate = re.compile(f"[{re.escape(starters)}]")

    def passes_gate(self, text: str) -> bool:
        """Whether any character of ``text`` ever starts a name or a place."""
        return self._gate.search(text) is not None

    def analyze_batch(self, texts: Sequence[str]) -> list[list[Span]]:
        """Return PERSON and PLACE spans of each text."""
        found: list[list[Span]] = [[] for _ in texts]
        wanted = [i for i, text in enumerate(texts) if self.passes_gate(text)]
        at = 0
        while at < len(wanted):
            size = 0
            chunk: list[int] = []
            while at < len(wanted) and (not chunk or size + len(texts[wanted[at]]) <= _CHUNK):
                chunk.append(wanted[at])
                size += len(texts[wanted[at]])
                at += 1
            self._tag([texts[i] for i in chunk], [found[i] for i in chunk])
        return found

    def probabilities(self, texts: Sequence[str]) -> tuple[Floats, list[int]]:
        """Return the (characters laid out, tags) probabilities and where each text starts.

        Those of PERSON are the second network's where it looked; elsewhere the first's if it is sure, else 0. Past
        ``READ_MOST`` characters of a text the first is taken to be sure of all that it finds possible.
        """
        points, mask, starts = end_to_end(texts)
        ids, pairs = ids_of(points, mask, self._table)
        probabilities = self._first(ids=ids, pairs=pairs, mask=mask[None, None])
        person = probabilities[:, 1] + probabilities[:, 2]
        asked = doubtful(person, points)
        found, left = affordable(pieces(asked, mask), starts)
        for piece in left:  # a name missed is a person exposed
            decided = slice(piece.opens, piece.closes)
            probabilities[decided, 1:3] *= np.where(asked[decided], SURE / person[decided], 1.0)[:, None]
            person[decided][asked[decided]] = SURE
        probabilities[person < SURE, 1:3] = 0
        if found:
            characters = self._person_table[np.minimum(points, 0xFFFF)]
        for part in together(found):
            padded_ids, lengths, padded_mask = padded(part, characters)
            people = self._second(ids=padded_ids, lengths=lengths, mask=padded_mask[:, None])
            for piece, each in zip(part, people, strict=True):
                decided = slice(piece.opens - piece.start, piece.closes - piece.start)
                probabilities[piece.opens : piece.closes, 1:3] = each[decided, 1:]
        return probabilities, starts

    def _tag(self, texts: Sequence[str], found: Sequence[list[Span]]) -> None:
        probabilities, starts = self.probabilities(texts)
        person = probabilities[:, 1] + probabilities[:, 2]
        place = probabilities[:, 3] + probabilities[:, 4]
        other = probabilities[:, 5] + probabilities[:, 6]
        kinds = np.stack([probabilities[:, 0], place, other]).argmax(0)
        kinds = np.where(person > self._person_from, 1, kinds + (kinds > 0))
        begins = probabilities[:, 1] * (kinds == 1) + probabilities[:, 3] * (kinds == 2) > 0.5 * np.choose(
            kinds, [np.ones_like(person), person, place, other]
        )
        before = np.concatenate([[0], kinds[:-1]])
        opening = (kinds > 0) & (kinds < 3) & ((kinds != before) | begins)
        after = np.concatenate([kinds[1:], [0]])
        closing = (kinds > 0) & (kinds < 3) & ((kinds != after) | np.concatenate([begins[1:], [True]]))
        bounds = np.array([*starts, len(kinds) + 1])
        for start, end in zip(np.flatnonzero(opening).tolist(), (np.flatnonzero(closing) + 1).tolist(), strict=True):
            row = int(np.searchsorted(bounds, start, "right")) - 1
            score = float((person if kinds[start] == 1 else place)[start:end].mean())
            refine = refine_person if kinds[start] == 1 else refine_place
            span = refine(texts[row], start - starts[row], end - starts[row])
            if span is not None:
                kind = "PERSON" if kinds[start] == 1 else "PLACE"
                found[row].append(Span(kind, *span, max(0.4, min(1.0, score))))
