"""The one engine of this process.

A lock-protected module singleton, not a `cache_resource`: any browser can clear every cache (PLATFORM: section 1).
"""

import atexit
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.shell import session
from pages.shell.signin_cookie import SESSION_COOKIE
from sipd_core.deeds import CONSOLE, Source, acting_as, meet_at
from sipd_core.errors import RestoringError, SignedOutError, SipdError, UpgradingError
from sipd_core.locale_id import number
from sipd_core.logs import configure_logging
from sipd_core.permissions import Permission, Person
from sipd_core.settings import load_settings
from sipd_core.store.upgrading import under_way

if TYPE_CHECKING:
    from sipd_core.blocking import BlockingEngine

HEAD_START = 2.0
"""Seconds for the first visitor's page to be drawn before the models are loaded: both want the same processor."""

LOOPBACK = "127.0.0.1"
_LOOK_SECONDS = 0.3
"""How often somebody who waits for the engine looks what it is waiting for."""

_lock = threading.Lock()
_engine: "BlockingEngine | None" = None
_token: ContextVar[str] = ContextVar("sipd_token")


def start_engine() -> "BlockingEngine":
    """The engine, built at the first call; raises SipdError when it cannot start (wrong setting, unusable folder).

    Raises UpgradingError while another thread starts it and its data are being put into today's form, which can take minutes.
    """
    global _engine
    while not _lock.acquire(timeout=_LOOK_SECONDS):
        if upgrade := under_way():
            raise UpgradingError(done=number(upgrade.done), total=number(upgrade.total))
    try:
        if _engine is None:
            # Imported here, in the thread that starts the engine: the server answers meanwhile.
            from sipd_core.blocking import BlockingEngine

            settings = load_settings()
            configure_logging(verbose=settings.enable_debug_logging, usage=settings.log_embedding_usage)
            _engine = BlockingEngine(settings, head_start=HEAD_START, console=True)
            atexit.register(close_engine)
            meet_at(visitor)
            gc.collect()
            gc.freeze()  # what start-up made stays: the collector need never walk it again
        return _engine
    finally:
        _lock.release()


get_engine = start_engine


def page_engine() -> "BlockingEngine":
    """The engine for pages: each of its calls asks first whether `acting_person` may make it."""
    from sipd_core.guard import guarded

    engine = start_engine()
    return guarded(engine, _still_acting, lambda person, needed: engine.sign_in.note_refusal(person, needed))


def _still_acting() -> Person:
    """`acting_person`; when the session ended in the middle of a run, the next run says so in the words for it.

    An error in a fragment would be shown as Streamlit shows it. In a callback, and outside of a page, st.rerun does nothing.
    """
    try:
        return acting_person()
    except SignedOutError:
        st.rerun()
        raise


def acting_person() -> Person:
    """Who looks at the page that runs in this thread, as it is known at this moment; raises SignedOutError.

    While a backup is restored nobody can be looked up, and no call but those that show how far it is does anything: whoever
    was known last may watch.
    """
    try:
        return start_engine().sign_in.who(session_token())
    except RestoringError:
        if (known := session.last_person()) is None:
            raise
        return known


def sign_in_mode() -> str:
    """How people come in here: the value of SIGN_IN."""
    return start_engine().sign_in.mode


def session_token() -> str:
    """What the browser of the page that runs in this thread knows of its session; empty when nobody signed in there."""
    return _token.get(None) or st.context.cookies.get(SESSION_COOKIE, "")


@contextmanager
def acting_by(token: str) -> Iterator[None]:
    """Within the block, for threads that run for a page: the session with this token acts."""
    before = _token.set(token)
    try:
        yield
    finally:
        _token.reset(before)


def may(permission: Permission) -> bool:
    """Whether whoever looks at the page may do that: what he may not is better not offered. Raises SignedOutError."""
    return acting_person().may(permission)


def visitor() -> Source:
    """Who looks at the page that runs in this thread, and from where as far as the browser's connection tells."""
    place = Source(CONSOLE, _address())
    with acting_as(place):  # the look-up is a call itself, and must not ask who makes it
        try:
            person = acting_person()
        except SipdError:  # as in `acting_name`
            return place
    return replace(place, actor=person.name, id=person.id)


def _address() -> str:
    """Where the browser of the page that runs in this thread is; Streamlit does not name this computer itself."""
    context = st.context
    return context.ip_address or (LOOPBACK if context.headers else "")


def acting_name() -> str:
    """The display name of who looks at the page that runs in this thread; what he does is written down under it."""
    try:
        return acting_person().name
    except SipdError:  # his next call is refused, or the base is being restored: nothing is done under this name
        return ""


def running_engine() -> "BlockingEngine | None":
    """The engine if there is one already; never waits for it."""
    return _engine


def close_engine() -> None:
    """Close the engine; idempotent, because both the lifespan and the interpreter's exit ask for it."""
    global _engine
    with _lock:
        if _engine is not None:
            _engine.close()
            _engine = None
