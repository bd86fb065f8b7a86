"""What every part of the HTTP interface shares: the engine, worker threads, who is let in, what goes on the answer."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from sipd_core.api.problems import preparing, rate_headers
from sipd_core.deeds import act_as, acting
from sipd_core.scopes import Scope
from sipd_core.settings import Settings

if TYPE_CHECKING:
    from sipd_core.blocking import BlockingEngine

HEADERS = "sipd.headers"
"""Where the headers are in the scope that go on the answer, whatever it is."""
KEY_ID = "sipd.key"
"""Where the id of the caller's key is in the scope, for the log."""
THREADS = 24
"""Calls of the engine at once: pages have threads of their own."""

Result = TypeVar("Result")


class Desk:
    """Asks the engine for the handlers; its calls block, so they run in worker threads."""

    def __init__(self, settings: Settings, engine: "Callable[[], BlockingEngine | None]") -> None:
        """`engine` gives None as long as there is none."""
        self.settings = settings
        self._engine = engine
        self.threads = CapacityLimiter(THREADS)

    @property
    def running(self) -> "BlockingEngine | None":
        """The engine, None while there is none."""
        return self._engine()

    @property
    def engine(self) -> "BlockingEngine":
        """The engine; raises RequestError while there is none."""
        running = self._engine()
        if running is None:
            raise preparing()
        return running

    async def call(self, work: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
        """A call that blocks."""
        return await to_thread.run_sync(partial(work, *arguments, **named), limiter=self.threads)

    async def admit(self, request: Request, scope: Scope | None) -> None:
        """Let a request in; raises AccessError. From then on its answer says what is left to the caller."""
        entered = await self.call(self.engine.access.enter, bearer(request), scope)
        act_as(replace(acting(), actor=entered.key.name, id=entered.key.id))
        allowance = entered.allowance
        request.scope[KEY_ID] = entered.key.id
        request.scope[HEADERS] |= rate_headers(allowance.limit, allowance.remaining, allowance.reset)


def bearer(request: Request) -> str | None:
    """The key a request carries: in its Authorization header and nowhere else, for addresses end up in logs."""
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else None
