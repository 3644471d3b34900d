"""A wire that can be slow, dead or cut: a TCP proxy, told on its standard input what to do.

    python -m loadtest.faults.proxy --listen HOST:PORT --to HOST:PORT

    pass          bytes go through at once (how it begins)
    delay S       each piece of data waits S seconds, both ways
    hold          nothing goes through and nothing is closed: what a partition looks like from both ends
    cut           every connection is reset, new ones are too
    half          answers end in the middle of the first piece; the other direction stays open

It prints one line when it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

PIECE = 16_384


class Wire:
    """Connections through the proxy and how they are treated now."""

    def __init__(self, to: tuple[str, int]) -> None:
        self.to = to
        self.mode, self.delay_s = "pass", 0.0
        self._open: set[asyncio.StreamWriter] = set()
        self._released = asyncio.Event()
        self._released.set()

    def tell(self, words: str) -> None:
        """Take an order. Raises ValueError for one that is none."""
        mode, _, value = words.partition(" ")
        if mode not in ("pass", "delay", "hold", "cut", "half"):
            raise ValueError(f"no such order: {words!r}")
        self.delay_s = float(value) if mode == "delay" else 0.0
        self.mode = mode
        (self._released.clear if mode == "hold" else self._released.set)()
        if mode == "cut":
            for writer in list(self._open):
                writer.transport.abort()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        if self.mode == "cut":
            writer.transport.abort()
            return
        await self._released.wait()
        try:
            upstream, outgoing = await asyncio.open_connection(*self.to)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, outgoing}
        self._open |= both
        try:
            await asyncio.gather(self._pump(reader, outgoing), self._pump(upstream, writer, answers=True))
        finally:
            self._open -= both
            for one in both:
                one.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, answers: bool = False) -> None:
        try:
            while piece := await source.read(PIECE):
                await self._released.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if answers and self.mode == "half":
                    sink.write(piece[: len(piece) // 2])
                    break
                sink.write(piece)
                await sink.drain()
            with contextlib.suppress(OSError, RuntimeError):
                sink.write_eof()
        except OSError:
            # One end is gone without a goodbye. The other has to be told, or it waits for ever on a wire with nobody
            # at it, and this connection never ends.
            sink.transport.abort()


async def serve(listen: tuple[str, int], to: tuple[str, int]) -> None:
    """Until standard input ends."""
    wire = Wire(to)
    server = await asyncio.start_server(wire.connected, *listen)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print(f"listens on {listen[0]}:{server.sockets[0].getsockname()[1]}", flush=True)
    while order := await orders.readline():
        wire.tell(order.decode().strip())
    server.close()


def address(words: str) -> tuple[str, int]:
    host, _, port = words.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m loadtest.faults.proxy")
    parser.add_argument("--listen", type=address, required=True)
    parser.add_argument("--to", type=address, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.listen, given.to))
