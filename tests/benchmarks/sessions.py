"""Fifty sessions asking for reruns of the chat page, at once and steadily, by raw WebSocket clients from another process."""

import asyncio
import multiprocessing
import signal
import tempfile
import time
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.typing import Subprotocol

from tests.benchmarks.report import print_latencies
from tests.ui.server import Console

SESSIONS = 50
ROUNDS = 6
SECONDS = 10


def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        console = Console(Path(folder) / "data")
        console.start()
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            firsts, reruns, steady = pool.apply(_measure, (console.url,))
        print_latencies(f"{SESSIONS} sessions connect and draw at once", firsts)
        print_latencies(f"{SESSIONS} sessions rerun in the same instant, {ROUNDS} rounds", reruns, "p95 <= 300")
        print_latencies(f"{SESSIONS} sessions, each a rerun a second for {SECONDS} s", steady, "p95 <= 300")
        console.stop(signal.SIGKILL)


def _measure(url: str) -> tuple[list[float], list[float], list[float]]:
    return asyncio.run(_clients(url.replace("http", "ws") + "/_stcore/stream"))


async def _clients(url: str) -> tuple[list[float], list[float], list[float]]:
    subprotocols = [Subprotocol("streamlit")]
    origin = url.replace("ws://", "http://").removesuffix("/_stcore/stream")
    links = [websockets.connect(url, subprotocols=subprotocols, origin=origin, max_size=None) for _ in range(SESSIONS)]
    sockets = await asyncio.gather(*links)
    firsts = await asyncio.gather(*(_rerun(socket) for socket in sockets))
    reruns: list[float] = []
    for _ in range(ROUNDS):
        await asyncio.sleep(1)
        reruns += await asyncio.gather(*(_rerun(socket) for socket in sockets))
    steady = await asyncio.gather(*(_person(socket, at / SESSIONS) for at, socket in enumerate(sockets)))
    await asyncio.gather(*(socket.close() for socket in sockets))
    return list(firsts), reruns, [one for person in steady for one in person]


async def _person(socket: websockets.ClientConnection, phase: float) -> list[float]:
    """One rerun a second, begun `phase` seconds after the others."""
    await asyncio.sleep(phase)
    waited: list[float] = []
    for _ in range(SECONDS):
        waited.append(await _rerun(socket))
        await asyncio.sleep(max(0.0, 1 - waited[-1] / 1000))
    return waited


async def _rerun(socket: websockets.ClientConnection) -> float:
    """Ask for a rerun; milliseconds until the script has finished."""
    started = time.perf_counter()
    request = BackMsg()
    request.rerun_script.query_string = ""
    await socket.send(request.SerializeToString())
    while True:
        message = ForwardMsg()
        message.ParseFromString(bytes(await socket.recv(decode=False)))
        if message.WhichOneof("type") == "script_finished":
            return (time.perf_counter() - started) * 1000
