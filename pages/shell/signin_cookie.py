"""What the browser keeps of a sign-in, and where it may go afterwards. One reason to change: how a cookie is set.

The session's token is in a cookie that no script can read and no other site can make the browser send with a form.
"""

import hashlib
import hmac
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response

SESSION_COOKIE = "sipd_sesi"
FORM_COOKIE = "sipd_form"
"""Holds the same as a hidden field of the form: another site can set neither."""
TARGET_COOKIE = "sipd_ke"
"""Where somebody wanted to go before a provider asked who he is."""
TARGET_PARAM = "ke"
FORM_SECONDS = 3_600
_LONGEST_TARGET = 1_000
_OWN_PATHS = re.compile(r"/(masuk|keluar|auth|oauth2callback|_stcore)(/|$|\?)")


def set_cookie(answer: Response, connection: HTTPConnection, name: str, value: str, seconds: float) -> None:
    """Set one of our cookies; an encrypted connection never gives it to a plain one."""
    secure = connection.url.scheme in ("https", "wss")
    answer.set_cookie(name, value, max_age=int(seconds), path="/", httponly=True, samesite="lax", secure=secure)


def drop_cookie(answer: Response, name: str) -> None:
    """Let the browser forget one of our cookies."""
    answer.delete_cookie(name, path="/", httponly=True, samesite="lax")


def local_target(wanted: str | None) -> str:
    """A place of this console to go to; `/` for anything that leads elsewhere or is no page."""
    target = wanted or "/"
    if len(target) > _LONGEST_TARGET or not target.startswith("/") or target.startswith("//"):
        return "/"
    if "\\" in target or any(not " " < letter for letter in target) or _OWN_PATHS.match(target):
        return "/"
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else target


def is_own_form(headers: Headers) -> bool:
    """Whether a form was sent by a page of ours: browsers say where each form comes from."""
    origin, host = headers.get("origin"), headers.get("host", "")
    if origin is None or not host:
        return headers.get("sec-fetch-site") == "same-origin"
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def leave_token(session_token: str) -> str:
    """What a form that signs out must hold: only a page of this session can know it."""
    return hmac.new(session_token.encode(), b"keluar", hashlib.sha256).hexdigest()
