"""All keys, drawn, and their end."""

from datetime import UTC, datetime

import streamlit as st

from pages.shell import session
from pages.shell.cards import badge
from pages.shell.frame import draw_problem, errors_kept
from pages.shell.plain import plain_line
from sipd_core.locale_id import ago, moment, number
from sipd_core.store.api_keys import ApiKey, ApiKeyStore
from sipd_core.texts import text

_LOOKS = {"active": ("green", "check_circle"), "expired": ("orange", "schedule"), "revoked": ("red", "block")}


def draw_keys(keys: ApiKeyStore) -> None:
    """Each key with its scopes, its life and its last use."""
    listed = sorted(keys.list(), key=lambda key: state_of(key) != "active")
    if not listed:
        st.subheader(text("access.page.none_title"), anchor=False)
        st.caption(text("access.page.none_body"))
        return
    st.subheader(text("access.page.heading", n=number(len(listed))), anchor=False)
    for key in listed:
        _row(keys, key)


def state_of(key: ApiKey) -> str:
    """Whether a key counts; the name of its entry in `texts/access.toml`."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= datetime.now(UTC) else "active"


def _row(keys: ApiKeyStore, key: ApiKey) -> None:
    state = state_of(key)
    color, icon = _LOOKS[state]
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"api-key-{key.id}"):
        with st.container(gap=None):
            scopes = " ".join(badge("gray", scope) for scope in sorted(key.scopes))
            st.markdown(f"**{plain_line(key.name)}** {badge(color, text(f'access.state.{state}'), icon)} {scopes}")
            st.caption(plain_line(" · ".join(_life(key))))
        if state == "active" and st.button(
            text("access.page.revoke"), icon=":material/block:", key=f"keys.revoke.{key.id}", width="content"
        ):
            _confirm(keys, key)
    draw_problem(f"keys.revoke.{key.id}")


def _life(key: ApiKey) -> list[str]:
    now = datetime.now(UTC)
    used = text("access.page.used", at=ago(key.used_at, now)) if key.used_at else text("access.page.never_used")
    ends = text("access.page.until", at=moment(key.expires_at)) if key.expires_at else text("access.page.forever")
    return [f"sipd_{key.id}_…", used, text("access.page.created", at=moment(key.created_at)), ends]


@st.dialog(text("access.page.revoke_yes"), icon=":material/block:")
def _confirm(keys: ApiKeyStore, key: ApiKey) -> None:
    st.markdown(f"**{plain_line(text('access.page.revoke_title', id=key.id))}**")
    st.write(plain_line(text("access.page.revoke_body", name=key.name)))
    label = text("access.page.revoke_yes")
    if st.button(label, type="primary", key="keys.revoke_yes", on_click=_revoke, args=(keys, key)):
        st.rerun()


def _revoke(keys: ApiKeyStore, key: ApiKey) -> None:
    with errors_kept(f"keys.revoke.{key.id}"):
        keys.revoke(key.id)
        session.flash(text("access.page.revoked", name=key.name))
