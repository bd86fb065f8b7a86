"""What must hold before the console opens its port, and the first admin's link. One reason to change: what a start refuses."""

import sys
from typing import TYPE_CHECKING

import streamlit as st

from pages.shell import signin_oidc as oidc
from pages.shell.signin_door import is_loopback_name
from sipd_core.errors import SettingsError
from sipd_core.settings import Settings
from sipd_core.sign_in import LINK_PATH
from sipd_core.texts import text

if TYPE_CHECKING:
    from sipd_core.blocking import BlockingEngine


def check_sign_in(settings: Settings) -> None:
    """Raises SettingsError when nobody could sign in, or everybody could do everything without."""
    if settings.sign_in == "open" and not settings.open_anywhere:
        address = st.get_option("server.address") or ""
        if not is_loopback_name(address):
            shown = address or text("sign_in.open.everywhere")
            raise SettingsError(text_key="sign_in.open.start", address=shown)
    if settings.sign_in == "oidc":
        if not oidc.is_configured(settings):
            key = "sign_in.start.no_provider" if settings.oidc_provider else "sign_in.start.no_secrets"
            raise SettingsError(text_key=key, name=settings.oidc_provider)
        if not settings.role_map:
            raise SettingsError(text_key="sign_in.start.no_map")


def offer_first_link(settings: Settings, engine: "BlockingEngine") -> None:
    """While there is no admin: say on standard error, where only whoever runs the console looks, how to become one."""
    if settings.sign_in != "accounts":
        return
    token = engine.sign_in.first_link()
    if token is not None:
        print(text("sign_in.start.first", link=f"{own_address()}{LINK_PATH}/{token}"), file=sys.stderr, flush=True)


def own_address() -> str:
    """Where a browser on this computer finds the console."""
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return f"{scheme}://localhost:{st.get_option('server.port')}"
