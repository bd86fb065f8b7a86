"""One account, drawn: its roles, its access, and where its owner is signed in."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import streamlit as st

from pages.shell import people_state, session
from pages.shell.frame import draw_problem, errors_kept, errors_shown
from pages.shell.people_list import link_address, roles_field, seen_line, state_badges
from pages.shell.plain import plain_line
from pages.shell.resources import acting_person
from sipd_core.locale_id import ago, moment
from sipd_core.people import People
from sipd_core.permissions import How
from sipd_core.store.people import LONGEST_NAME, Account
from sipd_core.store.sessions import Session
from sipd_core.texts import text


def draw_detail(people: People, id_: str, accounts: Sequence[Account]) -> None:
    """The account of the address, and the way back."""
    back = text("people.page.back")
    st.button(back, icon=":material/arrow_back:", type="tertiary", key="people.back", on_click=people_state.leave)
    account = next((one for one in accounts if one.id == id_), None)
    if account is None:
        st.warning(text("people.page.gone"), icon=":material/link_off:")
        return
    st.subheader(plain_line(account.name), anchor=False)
    st.markdown(state_badges(account, is_own=account.id == acting_person().id))
    st.caption(plain_line(seen_line(account)))
    _name(people, account)
    _roles(people, account)
    _access(people, account)
    st.markdown(f"**{text('people.detail.sessions')}**")
    draw_sessions(people.sessions(account.id), lambda one: _end(people, account, one))


def draw_sessions(sessions: Sequence[Session], end: Callable[[str], None], *, own: str = "") -> None:
    """Where somebody is signed in; `end` is given the id of one."""
    if not sessions:
        st.caption(text("people.detail.no_sessions"))
    for one in sessions:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"session-{one.id}"):
            st.markdown(f":material/devices: {plain_line(session_line(one))}")
            if one.id == own:
                st.markdown(f":green-badge[{text('people.detail.this')}]", width="content")
            else:
                label = text("people.detail.end")
                st.button(label, key=f"people.end.{one.id}", width="content", on_click=end, args=(one.id,))
    draw_problem("people.sessions")


def session_line(one: Session) -> str:
    """One session in words."""
    return text(
        "people.detail.session",
        browser=one.browser or text("people.detail.unknown_browser"),
        address=one.address or text("people.detail.unknown_address"),
        began=moment(one.began_at),
        seen=ago(one.seen_at, datetime.now(UTC)),
    )


def _name(people: People, account: Account) -> None:
    """His display name, which a provider tells of those it vouches for."""
    if account.how is How.OIDC:
        return
    with st.form(f"people.name.{account.id}", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input(
                text("people.invite.name"), account.name, max_chars=LONGEST_NAME, help=text("people.detail.name_help"), width=320
            )
            wanted = st.form_submit_button(text("people.detail.save_name"), icon=":material/save:")
        if wanted:
            with errors_shown():
                people.rename(account.id, name)
                session.flash(text("people.detail.saved_name"))
                st.rerun()


def _roles(people: People, account: Account) -> None:
    if account.how is How.OIDC:
        st.caption(text("people.page.oidc"))
        return
    with st.form(f"people.roles.{account.id}", border=False):
        chosen = roles_field(f"people.roles.field.{account.id}", account.roles)
        if st.form_submit_button(text("people.detail.save_roles"), icon=":material/save:"):
            with errors_kept("people.roles"):
                people.set_roles(account.id, chosen)
                session.flash(text("people.detail.saved_roles", name=account.name))
            st.rerun()
    draw_problem("people.roles")


def _access(people: People, account: Account) -> None:
    with st.container(horizontal=True):
        if account.how is How.PASSWORD and account.disabled_at is None:
            label, why = text("people.detail.new_link"), text("people.detail.new_link_help")
            st.button(
                label, icon=":material/key:", help=why, key="people.new_link", on_click=_new_link, args=(people, account)
            )
        if account.disabled_at is None:
            if st.button(text("people.detail.disable"), icon=":material/block:", key="people.disable"):
                _confirm(people, account)
        else:
            label = text("people.detail.enable")
            st.button(label, icon=":material/check_circle:", key="people.enable", on_click=_enable, args=(people, account))
    draw_problem("people.access")


@st.dialog(text("people.detail.disable"), icon=":material/block:")
def _confirm(people: People, account: Account) -> None:
    st.markdown(f"**{plain_line(text('people.detail.disable_title', name=account.name))}**")
    st.write(text("people.detail.disable_body"))
    label = text("people.detail.disable")
    if st.button(label, type="primary", key="people.disable_yes", on_click=_disable, args=(people, account)):
        st.rerun()


def _new_link(people: People, account: Account) -> None:
    with errors_kept("people.access"):
        token = people.new_link(account.id)
        people_state.show_link(people_state.ShownLink(account.name, link_address(token)))


def _disable(people: People, account: Account) -> None:
    with errors_kept("people.access"):
        people.disable(account.id)
        session.flash(text("people.detail.disabled", name=account.name))


def _enable(people: People, account: Account) -> None:
    with errors_kept("people.access"):
        people.enable(account.id)
        session.flash(text("people.detail.enabled", name=account.name))


def _end(people: People, account: Account, id_: str) -> None:
    with errors_kept("people.sessions"):
        people.end_sessions(account.id, id_)
        session.flash(text("people.detail.ended"))
