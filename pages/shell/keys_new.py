"""A new key, drawn: what it is for, how long, and the one time that it is shown."""

from dataclasses import dataclass

import streamlit as st

from pages.shell.frame import errors_shown
from pages.shell.plain import plain_line
from sipd_core.errors import AccessError
from sipd_core.locale_id import number
from sipd_core.scopes import Scope
from sipd_core.store.api_keys import ApiKeyStore
from sipd_core.texts import text

_DAYS = (30, 90, 365, None)
_MADE, _ROUND = "keys.made", "keys.round"


@dataclass(frozen=True, slots=True)
class Made:
    """A key that is shown once."""

    name: str
    key: str


def draw_made() -> None:
    """A key that was just made, until it was copied."""
    made = st.session_state.get(_MADE)
    if not isinstance(made, Made):
        return
    with st.container(border=True, key="key-made"):
        st.markdown(f"**:material/key: {plain_line(text('access.page.made', name=made.name))}**")
        st.caption(text("access.page.made_body"))
        st.code(made.key, language=None, wrap_lines=True)
        st.button(text("access.page.made_done"), icon=":material/done:", key="keys.copied", on_click=_forget)


def draw_new(keys: ApiKeyStore) -> None:
    """The form for another key."""
    fold = st.expander(text("access.page.new"), icon=":material/add:", expanded=not keys.count())
    with fold, st.form(f"keys.new.{st.session_state.get(_ROUND, 0)}", border=False):
        name = st.text_input(text("access.page.name"), placeholder=text("access.page.name_example"), max_chars=100)
        scopes = st.multiselect(
            text("access.page.scopes"),
            list(Scope),
            default=[Scope.CHAT],
            format_func=lambda scope: f"{scope} — {text(f'access.scope_means.{scope}')}",
            help=text("access.page.scopes_help"),
        )
        days = st.selectbox(text("access.page.days"), _DAYS, index=1, format_func=_days_name)
        if st.form_submit_button(text("access.page.make"), type="primary", icon=":material/key:"):
            with errors_shown():
                _make(keys, name.strip(), scopes, days)


def _make(keys: ApiKeyStore, name: str, scopes: list[Scope], days: int | None) -> None:
    if not name:
        raise AccessError("no name", text_key="access.page.no_name")
    if not scopes:
        raise AccessError("no scope", text_key="access.page.no_scope")
    key, secret = keys.add(name, scopes, days)
    st.session_state[_MADE] = Made(key.name, secret)
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1  # empty fields for the next one
    st.rerun()


def _days_name(days: int | None) -> str:
    return text("access.page.days_forever") if days is None else text("access.page.days_count", n=number(days))


def _forget() -> None:
    st.session_state.pop(_MADE, None)
