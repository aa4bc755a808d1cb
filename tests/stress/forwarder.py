"""`python -m tests.stress.forwarder ADDRESS TARGET PORT`: brings connections on to a server.

Prints the port on which it listens at ADDRESS, and ends with its standard input.
"""

import asyncio
import os
import sys
from asyncio import StreamReader, StreamWriter
from contextlib import suppress

_CHUNK = 1 << 16


async def forward(address: str, target: str, port: int) -> None:
    async def accept(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(target, port)
        except OSError:
            writer.close()
            return
        # As soon as one side closes, the other one is told.
        async with asyncio.TaskGroup() as both:
            both.create_task(_copy(reader, there[1]))
            both.create_task(_copy(there[0], writer))

    server = await asyncio.start_server(accept, address, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    # Without a word to whoever is still connected.
    os._exit(0)


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    address, target, port = sys.argv[1:]
    asyncio.run(forward(address, target, int(port)))
