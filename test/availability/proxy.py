"""Forwards connections to a server's Unix socket, and cuts as many of them in the middle of an answer as it is told to.

Of the requests that contain a certain text every other one, from the first, loses its answer as well.
"""

import argparse
import asyncio
import random
import sys


class Proxy:
    """What the connections share: how many answers are still to be cut."""

    def __init__(self, socket: str, seed: int, text: str) -> None:
        self.socket = socket
        self.random = random.Random(seed)
        self.text = text.encode()
        self.loses_next = True
        self.cuts = 0
        self.all_cut = asyncio.Event()

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Forwards one connection, in both directions, until either end closes it or it is cut."""
        try:
            server, to_server = await asyncio.open_unix_connection(self.socket)
        except OSError:  # the server is away
            to_client.transport.abort()
            return
        loses_answer = asyncio.Event()
        forwards = [asyncio.ensure_future(self.forward(client, to_server, loses_answer)),
                    asyncio.ensure_future(self.answer(server, to_client, loses_answer))]
        await asyncio.wait(forwards, return_when=asyncio.FIRST_COMPLETED)
        for forward in forwards:
            forward.cancel()
        to_client.transport.abort()
        to_server.transport.abort()

    async def forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter,
                      loses_answer: asyncio.Event) -> None:
        """Forwards what clients send."""
        try:
            while data := await source.read(65536):
                if self.text and self.text in data:
                    if self.loses_next:
                        loses_answer.set()
                    self.loses_next = not self.loses_next
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass

    async def answer(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter,
                     loses_answer: asyncio.Event) -> None:
        """Forwards what the server answers; while there are answers to cut, every tenth ends before its end."""
        try:
            while data := await source.read(65536):
                if loses_answer.is_set():
                    return
                if self.cuts > 0 and self.random.random() < 0.1:
                    sink.write(data[: self.random.randrange(len(data))])
                    self.cuts -= 1
                    if self.cuts == 0:
                        self.all_cut.set()
                    return
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass

    async def obey(self) -> None:
        """Reads from standard input, line by line, how many answers to cut, and says when that is done."""
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            self.all_cut.clear()
            self.cuts = int(line)
            await self.all_cut.wait()
            print("cut", flush=True)


async def run(arguments: argparse.Namespace) -> None:
    """Prints the port, and works until standard input ends."""
    proxy = Proxy(arguments.socket, arguments.seed, arguments.loses_answers_to)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await proxy.obey()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("socket", help="the server's Unix socket")
    parser.add_argument("--seed", type=int, default=0, help="of what is cut, and where (default: 0)")
    parser.add_argument("--loses-answers-to", default="", help="the text in requests whose answers are lost")
    asyncio.run(run(parser.parse_args()))
