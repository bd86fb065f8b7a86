"""Launcher: `streamlit run app.py` serves the pages, the health probe and one engine in one process and port.

Pages never import this module; they ask `pages.shell.resources` for the engine.
"""

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pages.shell.headers import SecurityHeaders
from pages.shell.resources import close_engine, engine_ready, start_engine
from sipd_core.errors import SipdError

ENTRY = Path(__file__).parent / "pages" / "shell" / "main.py"


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """Freeze what start-up made, so that the collector never walks it again; close the engine at the end."""
    gc.collect()
    gc.freeze()
    yield
    close_engine()


async def health(_request: Request) -> JSONResponse:
    """200 once questions can be answered, 503 while the engine is still preparing."""
    ready = engine_ready()
    return JSONResponse({"status": "ok" if ready else "preparing"}, 200 if ready else 503)


try:
    start_engine()
except SipdError as error:
    sys.exit(error.user_text)

app = st.App(str(ENTRY), lifespan=lifespan, routes=[Route("/health", health)], middleware=[Middleware(SecurityHeaders)])

if __name__ == "__main__":
    app.run()
