"""What the provider of a single sign-on says, as Streamlit's `st.login` keeps it. One reason to change: how that is read.

Streamlit leads the way to the provider and back, checks its answer and leaves it in a signed cookie. That cookie is good
for thirty days; here it opens one session, right after it was set, and the session ends as every other one does.
"""

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from typing import Any

import streamlit as st
from starlette.requests import HTTPConnection
from streamlit.auth_util import encode_provider_token, get_cookie_with_chunks, get_origin_from_redirect_uri
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from sipd_core.permissions import Role
from sipd_core.settings import Settings
from sipd_core.sign_in import Vouched

log = logging.getLogger(__name__)

LOGIN_PATH, LOGOUT_PATH, CALLBACK_PATH = "/auth/login", "/auth/logout", "/oauth2callback"
FRESH_SECONDS = 600
"""How old what the provider said may be; its clock may differ from ours by the same."""


def login_path(settings: Settings) -> str:
    """Where `st.login` would send the browser."""
    return f"{LOGIN_PATH}?provider={encode_provider_token(settings.oidc_provider or 'default')}"


def is_configured(settings: Settings) -> bool:
    """Whether `secrets.toml` has what `st.login` needs."""
    try:
        section = st.secrets.get("auth", {})
        return bool(section) and (not settings.oidc_provider or settings.oidc_provider in section)
    except FileNotFoundError:
        return False


def vouched(connection: HTTPConnection, settings: Settings) -> Vouched | None:
    """Whom the provider vouched for just now; None when it did not, or long ago."""
    said = _said(connection)
    if said is None or not _is_fresh(said) or not said.get("is_logged_in"):
        return None
    issuer, subject = str(said.get("iss", "")), str(said.get("sub", ""))
    if not issuer or not subject or said.get("origin") != get_origin_from_redirect_uri():
        return None
    proof = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return Vouched(issuer[:400], subject[:255], _name(said), roles_of(said, settings), proof)


def roles_of(said: Mapping[str, Any], settings: Settings) -> frozenset[Role]:
    """The roles that the claims of somebody give."""
    claim: Any = said
    for part in settings.oidc_roles_claim.split("."):
        claim = claim.get(part) if isinstance(claim, Mapping) else None
    values = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
    known = settings.role_map
    return frozenset[Role]().union(*(known.get(str(value), frozenset()) for value in values))


def _said(connection: HTTPConnection) -> dict[str, Any] | None:
    """The claims of Streamlit's cookie, if its signature holds."""

    def part(name: str) -> bytes | None:
        value = connection.cookies.get(name)
        return None if value is None else decode_signed_value(get_cookie_secret(), name, value.encode("latin-1"))

    try:
        raw = get_cookie_with_chunks(part, USER_COOKIE_NAME)
        said = json.loads(raw) if raw else None
    except ValueError:
        log.warning("the cookie of a provider's sign-in cannot be read")
        return None
    return said if isinstance(said, dict) else None


def _is_fresh(said: Mapping[str, Any]) -> bool:
    now, issued, ends = time.time(), said.get("iat"), said.get("exp")
    is_new = isinstance(issued, int | float) and abs(now - issued) < FRESH_SECONDS
    return is_new and (not isinstance(ends, int | float) or ends > now - FRESH_SECONDS)


def _name(said: Mapping[str, Any]) -> str:
    for claim in ("name", "preferred_username", "nickname", "email"):
        if isinstance(said.get(claim), str) and said[claim].strip():
            return str(said[claim])
    return ""
