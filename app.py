"""Launcher: `streamlit run app.py` serves the pages, the HTTP interface and one engine in one process and port.

Pages never import this module; they ask `pages.shell.resources` for the engine.
"""

import os
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from pages.shell import charts
from pages.shell.headers import SecurityHeaders
from pages.shell.resources import close_engine, running_engine, start_engine
from pages.shell.signin_door import SignInDoor
from pages.shell.signin_routes import SignInPages
from pages.shell.signin_start import check_sign_in, offer_first_link
from pages.shell.unknown_paths import UnknownPaths
from sipd_core.api import api_routes, create_api, first_parts
from sipd_core.deeds import Source, act_as
from sipd_core.errors import SipdError
from sipd_core.settings import load_settings, unknown_lines

ENTRY = Path(__file__).parent / "pages" / "shell" / "main.py"


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """Close the engine at the end."""
    yield
    close_engine()


def _start_engine() -> None:
    """Build the engine beside the server, so that a browser can load the pages' code meanwhile; end the process if it fails."""
    act_as(Source())  # no page runs in this thread, so none is asked whose deed a start is
    try:
        engine = start_engine()
        offer_first_link(settings, engine)
    except SipdError as error:
        print(error.user_text, file=sys.stderr, flush=True)
        os._exit(1)  # from a thread nothing else ends the server, and there is no engine yet that could lose anything
    with suppress(SipdError, CancelledError, RuntimeError):  # it may be closed before it is prepared
        engine.wait_until_prepared()
        charts.load()  # after all that an operator waits for


try:
    settings = load_settings()
    check_sign_in(settings)
    for line in unknown_lines():
        print(line, file=sys.stderr, flush=True)
except SipdError as error:
    sys.exit(error.user_text)
threading.Thread(target=_start_engine, name="sipd-start", daemon=True).start()

programs = api_routes(create_api(settings, running_engine))
door = Middleware(SignInDoor, settings=settings, engine=running_engine, programs=first_parts())
people = SignInPages(settings, running_engine).routes()
known = Middleware(UnknownPaths, others=[*first_parts(), *(route.path.split("/")[1] for route in people)])
app = st.App(
    str(ENTRY),
    lifespan=lifespan,
    routes=[*programs, *people],
    middleware=[Middleware(SecurityHeaders), door, known],
)

if __name__ == "__main__":
    app.run()
