"""One's own account, drawn."""

import streamlit as st

from pages.shell import session
from pages.shell.frame import errors_kept, errors_shown
from pages.shell.people_detail import draw_sessions
from pages.shell.people_list import state_badges
from pages.shell.plain import plain_line
from pages.shell.resources import session_token
from sipd_core.account import OwnAccount
from sipd_core.errors import PeopleError
from sipd_core.passwords import SHORTEST
from sipd_core.permissions import How
from sipd_core.texts import text


def draw_own(own: OwnAccount) -> None:
    """Who one is, one's password, one's sessions."""
    token = session_token()
    account = own.look(token)
    st.markdown(f"**{plain_line(account.name)}** {state_badges(account)}")
    st.caption(text("people.own.oidc") if account.how is How.OIDC else plain_line(text("people.own.login", login=account.login)))
    if account.how is How.PASSWORD:
        with st.expander(text("people.own.password"), icon=":material/password:", key="people.own.password"):
            _password(own, token)
    st.subheader(text("people.detail.sessions"), anchor=False)
    sessions = own.sessions(token)
    draw_sessions(sessions, lambda id_: _end(own, id_), own=own.this_session(token))
    if len(sessions) > 1:
        st.button(text("people.own.end_others"), icon=":material/logout:", key="people.end_others", on_click=_end_others, args=(own,))


def _password(own: OwnAccount, token: str) -> None:
    with st.form("people.own", border=False, clear_on_submit=True):
        old = st.text_input(text("people.own.old"), type="password", autocomplete="current-password")
        hint = text("people.own.new_help", least=SHORTEST)
        new = st.text_input(text("people.own.new"), type="password", autocomplete="new-password", help=hint)
        again = st.text_input(text("people.own.again"), type="password", autocomplete="new-password")
        if not st.form_submit_button(text("people.own.save"), type="primary", icon=":material/save:"):
            return
    with errors_shown():
        if new != again:
            raise PeopleError("the two differ", text_key="people.own.differ")
        own.change_password(token, old, new)
        session.flash(text("people.own.saved"))
        st.rerun()


def _end(own: OwnAccount, id_: str) -> None:
    with errors_kept("people.sessions"):
        own.end_session(session_token(), id_)
        session.flash(text("people.detail.ended"))


def _end_others(own: OwnAccount) -> None:
    with errors_kept("people.sessions"):
        own.end_others(session_token())
        session.flash(text("people.detail.ended"))
