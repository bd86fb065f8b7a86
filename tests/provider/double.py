"""The provider itself: a server in a thread of its own, its script of faults, and its account."""

import asyncio
import random
import socket
import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, get_args
from urllib.parse import parse_qs, urlsplit

from tests.provider import faults, refusals, replies
from tests.provider.account import Account, Cancelled, Received, Served
from tests.provider.connection import Connection
from tests.provider.faults import Fault, Kind, RateLimit, ServerError, Status
from tests.provider.knobs import Knobs
from tests.provider.steps import Cut, Reply, dump, plain

VECTORS_ONLY = (faults.WrongCount, faults.WrongOrder, faults.WrongIndex, faults.WrongDimension, faults.NotFinite)
CHAT_ONLY = (faults.NoDone, faults.NoFinish, faults.OddLines, faults.ErrorInStream, faults.Length)


@dataclass(kw_only=True, eq=False)
class Provider(Knobs):
    """Serves from the moment it is made until `close()`; `port` 0 takes a free one."""

    port: int = 0

    def __post_init__(self) -> None:
        self.account = Account()
        self.failures: list[Exception] = []
        self._scripts: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._standing: dict[str, Fault] = {}
        self._dice = random.Random(self.seed)
        listening = socket.create_server(("127.0.0.1", self.port), backlog=512)
        self.port = listening.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._run, args=(listening,), name="scripted-provider", daemon=True)
        self._thread.start()

    # -- what a test says and asks -------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def script(self, kind: Kind, *faults: Fault, forever: bool = False) -> None:
        """One fault for each coming request of that kind, then back to normal; `forever` keeps the last one."""
        foreign = {"embeddings": CHAT_ONLY, "chat": VECTORS_ONLY, "models": (*CHAT_ONLY, *VECTORS_ONLY)}[kind]
        if any(isinstance(fault, foreign) for fault in faults):
            raise ValueError(f"{kind} cannot fail like this: {faults}")
        if forever:
            self._standing[kind] = faults[-1]
        self._scripts[kind].extend(faults[:-1] if forever else faults)

    def clear(self) -> None:
        """Back to normal at once."""
        self._scripts.clear()
        self._standing.clear()

    def calls(self, kind: Kind) -> int:
        """Requests of that kind that arrived, whatever became of them."""
        return sum(request.kind == kind for request in self.requests)

    @property
    def requests(self) -> list[Received]:
        return self.account.requests

    @property
    def served(self) -> list[Served]:
        return self.account.served

    @property
    def cancelled(self) -> list[Cancelled]:
        return self.account.cancelled

    @property
    def texts(self) -> list[str]:
        return self.account.texts

    # -- answering (on the server's thread) ----------------------------------------------------------------------------

    def _answer(self, request: Received, method: str) -> Reply:
        if request.path == "/_log":
            return self._log(method)
        if request.kind not in get_args(Kind):
            return refusals.not_found(self)
        fault = self._next_fault(request.kind)
        if isinstance(fault, RateLimit | ServerError | Status):
            return refusals.refusal(self, fault)
        if isinstance(fault, faults.Reset):
            return Reply([Cut(reset=True)])
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return refusals.wrong_key(self)
        if request.kind == "models":
            verbose = parse_qs(urlsplit(request.path).query).get("verbose") == ["true"]
            return replies.models(self, verbose, fault)
        return self._completion(request, fault)

    def _completion(self, request: Received, fault: Fault | None) -> Reply:
        body: Any = request.body
        if not isinstance(body, dict) or not isinstance(body.get("model"), str):
            return refusals.invalid(self, "model", "Field required")
        if body["model"] not in self.models:
            return refusals.unknown_model(self, body["model"])
        if request.kind == "embeddings":
            return replies.embeddings(self, body, fault)
        return replies.chat(self, body, request.number, fault)

    def _next_fault(self, kind: str) -> Fault | None:
        """Scripted ones first, then the dice; one roll for each request, so a seed gives the same run again."""
        roll = self._dice.random() if kind != "models" else 1.0
        if self._scripts[kind]:
            return self._scripts[kind].popleft()
        if kind in self._standing:
            return self._standing[kind]
        if roll < self.rate_429:
            return RateLimit(self.retry_after)
        return ServerError() if roll < self.rate_429 + self.rate_500 else None

    def _log(self, method: str) -> Reply:
        """GET shows the account, DELETE begins a new one."""
        body = dump(self.account.summary())
        if method == "DELETE":
            for kept in (self.account.requests, self.account.served, self.account.cancelled, self.account.texts):
                kept.clear()
        return Reply(plain(200, body))

    # -- running -------------------------------------------------------------------------------------------------------

    def _run(self, listening: socket.socket) -> None:
        try:
            self._loop.run_until_complete(self._serve(listening))
        finally:
            self._loop.close()

    async def _serve(self, listening: socket.socket) -> None:
        live: set[Connection] = set()
        failed = self.failures.append
        server = await self._loop.create_server(
            lambda: Connection(self._answer, self.account, live, failed), sock=listening
        )
        await self._stop.wait()
        server.close()
        open_ones = list(live)
        for connection in open_ones:
            connection.abort()
        await asyncio.sleep(0)
        await asyncio.gather(*(one.task for one in open_ones if one.task), return_exceptions=True)

    def close(self) -> None:
        """Drops what is open, as a dying process does; a fault of the double itself is raised here, once."""
        with self._closing:
            if self._thread.is_alive():
                self._loop.call_soon_threadsafe(self._stop.set)
                self._thread.join()
            broken, self.failures = self.failures, []
        if broken:
            raise RuntimeError("the scripted provider itself failed") from broken[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
