"""All accounts, drawn, and the invitation of another."""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

import streamlit as st

from pages.shell import people_state
from pages.shell.cards import badge
from pages.shell.frame import errors_shown
from pages.shell.plain import plain, plain_line
from pages.shell.resources import acting_person, sign_in_mode
from sipd_core.errors import PeopleError
from sipd_core.locale_id import ago, number
from sipd_core.people import People
from sipd_core.permissions import Role
from sipd_core.sign_in import LINK_PATH
from sipd_core.store.people import Account, unfit
from sipd_core.texts import text

_COLORS = {Role.OPERATOR: "blue", Role.ADMIN: "violet", Role.MANAGER: "green"}


def draw_link() -> None:
    """A link that was just made, to be handed over."""
    link = people_state.shown_link()
    if link is None:
        return
    with st.container(border=True, key="people-link"):
        st.markdown(f"**:material/link: {plain_line(text('people.link.title', name=link.name))}**")
        st.caption(text("people.link.body"))
        st.code(link.address, language=None, wrap_lines=True)
        st.button(text("people.link.done"), icon=":material/done:", key="people.link_copied", on_click=people_state.forget_link)


def draw_list(people: People, accounts: Sequence[Account]) -> None:
    """Everybody with roles and state, and the way to each."""
    mode = sign_in_mode()
    if mode != "accounts":
        st.info(text(f"people.page.{mode}"), icon=":material/info:")
    top = st.container(horizontal=True, vertical_alignment="bottom")
    wanted = top.text_input(text("people.page.search"), key=people_state.SEARCH, icon=":material/search:", width=320)
    if mode != "oidc" and top.button(text("people.invite.button"), type="primary", icon=":material/person_add:", key="people.invite"):
        _invite(people)
    found = [one for one in accounts if wanted.strip().casefold() in f"{one.name} {one.login}".casefold()]
    if not found:
        st.caption(text("people.page.no_match" if accounts else "people.page.none"))
        return
    st.caption(text("people.page.count", n=number(len(found))))
    own = acting_person().id
    for account in found:
        _row(account, is_own=account.id == own)


def state_badges(account: Account, *, is_own: bool = False) -> str:
    """Roles and what is special about an account, as badges."""
    said = [badge("gray", text("people.page.you"))] if is_own else []
    said += [badge(_COLORS[role], text(f"people.role.{role}")) for role in Role if role in account.roles]
    said += [] if account.roles else [badge("orange", text("sign_in.menu.no_role"), "help")]
    if account.disabled_at is not None:
        said.append(badge("red", text("people.page.off"), "block"))
    elif not account.can_sign_in:
        said.append(badge("orange", text("people.page.invited"), "hourglass_empty"))
    return " ".join(said)


def seen_line(account: Account) -> str:
    """By which name and when somebody came in last."""
    way = account.login or text("people.how.oidc")
    if account.seen_at is None:
        return f"{way} · {text('people.page.never')}"
    return f"{way} · {text('people.page.seen', at=ago(account.seen_at, datetime.now(UTC)))}"


def link_address(token: str) -> str:
    """The whole address of a link, as whoever looks at the page reaches the console."""
    parts = urlsplit(st.context.url or "")
    return f"{parts.scheme}://{parts.netloc}{LINK_PATH}/{token}" if parts.netloc else f"{LINK_PATH}/{token}"


def _row(account: Account, *, is_own: bool) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"person-{account.id}"):
        with st.container(gap=None):
            st.markdown(f"**{plain_line(account.name)}** {state_badges(account, is_own=is_own)}")
            st.caption(plain_line(seen_line(account)))
        st.button(
            text("people.page.manage"),
            key=f"people.manage.{account.id}",
            icon=":material/tune:",
            width="content",
            on_click=people_state.choose,
            args=(account.id,),
        )


@st.dialog(text("people.invite.title"), icon=":material/person_add:")
def _invite(people: People) -> None:
    with st.form("people.invite", border=False):
        name = st.text_input(text("people.invite.name"), help=text("people.invite.name_help"), max_chars=80)
        login = st.text_input(text("people.invite.login"), help=text("people.invite.login_help"), max_chars=64)
        roles = roles_field("people.invite.roles", frozenset())
        st.caption(text("people.invite.without_role"))
        if not st.form_submit_button(text("people.invite.save"), type="primary", icon=":material/link:"):
            return
    with errors_shown():
        if wrong := unfit(login, name):
            raise PeopleError("unfit", text_key="people.error.several", all=" ".join(wrong))
        account, token = people.invite(login, name, roles)
        people_state.show_link(people_state.ShownLink(account.name, link_address(token)))
        st.rerun()


def roles_field(key: str, roles: frozenset[Role], *, disabled: bool = False) -> list[Role]:
    """Which roles somebody has."""
    names = {role: text(f"people.role.{role}") for role in Role}
    chosen = st.pills(
        text("people.detail.roles"),
        list(Role),
        default=[role for role in Role if role in roles],
        selection_mode="multi",
        format_func=lambda role: plain(names[role]),
        help=text("people.detail.roles_help"),
        key=key,
        disabled=disabled,
    )
    return list(chosen)
