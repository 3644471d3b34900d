"""What a reader asks a decoding process and what comes back: MessagePack with a length before it, over a socket pair.

No pickle: bytes from outside may take over the process that decodes them, and a pickle from it would run code here.
"""

from __future__ import annotations

import socket
import struct

import msgspec

from schemas.applications import Box, Page
from udfs.reading.limits import Limits

_LENGTH = struct.Struct("<I")
_MOST = 256 << 20


class Ask(msgspec.Struct, frozen=True):
    """One task: open a file and count its pages, read a page, or draw one. The file comes as a descriptor beside it."""

    what: str
    """``open``, ``read`` or ``draw``."""
    file: str
    key: str
    """SHA-256 of the file: a process keeps the document open that it was asked for last."""
    kind: str
    number: int = 0
    page: Page | None = None
    """Of ``draw``: the page as read, for its rotation, skew and region."""
    box: Box = (0.0, 0.0, 1.0, 1.0)
    width: int = 0


class Answer(msgspec.Struct):
    """The result of a task. ``problem`` is "" or a code of schemas.applications.PROBLEMS."""

    pages: tuple[Page, ...] = ()
    count: int = 0
    """Of ``open``: number of pages."""
    picture: bytes = b""
    problem: str = ""
    detail: str = ""


class Hello(msgspec.Struct, frozen=True):
    """First message to a new process."""

    limits: Limits


def send(to: socket.socket, message: Ask | Answer | Hello, descriptor: int = -1) -> None:
    content = msgspec.msgpack.encode(message)
    head = _LENGTH.pack(len(content))
    if descriptor >= 0:
        socket.send_fds(to, [head], [descriptor])
        to.sendall(content)
    else:
        to.sendall(head + content)


def receive_ask(of: socket.socket) -> tuple[Ask, int]:
    """The next task and its descriptor. Raises EOFError: the reader is gone."""
    head, descriptors, _, _ = socket.recv_fds(of, _LENGTH.size, 1)
    if len(head) < _LENGTH.size or len(descriptors) != 1:
        raise EOFError
    return msgspec.msgpack.decode(_exactly(of, _LENGTH.unpack(head)[0]), type=Ask), descriptors[0]


def receive_hello(of: socket.socket) -> Hello:
    return msgspec.msgpack.decode(_exactly(of, _LENGTH.unpack(_exactly(of, _LENGTH.size))[0]), type=Hello)


def receive_answer(of: socket.socket) -> Answer:
    """Raises EOFError: the process died; ValueError: what it sent is no answer."""
    length = _LENGTH.unpack(_exactly(of, _LENGTH.size))[0]
    if length > _MOST:
        raise ValueError("an answer longer than any can be")
    return msgspec.msgpack.decode(_exactly(of, length), type=Answer)


def _exactly(of: socket.socket, count: int) -> bytes:
    content = bytearray()
    while len(content) < count:
        block = of.recv(min(count - len(content), 1 << 20))
        if not block:
            raise EOFError
        content += block
    return bytes(content)
