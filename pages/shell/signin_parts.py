"""What pages show of whoever is signed in: the account in the sidebar, the notice of open mode, and that a session ended."""

from html import escape
from urllib.parse import urlencode

import streamlit as st

from pages.shell import session
from pages.shell.plain import plain_line
from pages.shell.resources import acting_person, session_token, start_engine
from pages.shell.signin_cookie import TARGET_PARAM, leave_token, local_target
from pages.shell.signin_html import FORM_FIELD
from pages.shell.signin_routes import LEAVE_PATH, SIGN_IN_PATH
from sipd_core.errors import SignedOutError, SipdError
from sipd_core.permissions import How, Permission, Person
from sipd_core.store.people import role_names
from sipd_core.texts import text


def somebody() -> Person | None:
    """Who looks at the page, and that he does something; None when the page itself will say why that is not known.

    Raises SignedOutError.
    """
    try:
        person = acting_person()
        start_engine().sign_in.touch(session_token())
    except SignedOutError:
        session.forget_person()
        raise
    except SipdError:
        return session.last_person()
    session.remember_person(person)
    return person


def draw_signed_out() -> None:
    """The session ended while the page was open."""
    st.header(text("sign_in.out.title"), anchor=False)
    st.write(text("sign_in.out.body"))
    target = local_target(st.context.url and _path_of(st.context.url))
    query = "" if target == "/" else f"?{urlencode({TARGET_PARAM: target})}"
    _link_button(text("sign_in.out.again"), f"{SIGN_IN_PATH}{query}")


def draw_without_role(person: Person) -> None:
    """Somebody came in for whom nobody has said yet what he may do."""
    st.header(text("sign_in.forbidden.no_role_title"), anchor=False)
    st.write(plain_line(text("sign_in.forbidden.no_role_body", name=person.name)))


def draw_forbidden(person: Person, needed: Permission) -> None:
    """A page that somebody reached by its address."""
    said = {"name": person.name, "roles": roles_line(person), "needed": text(f"people.permission.{needed}")}
    st.subheader(text("sign_in.forbidden.title"), anchor=False)
    st.info(plain_line(text("sign_in.forbidden.body", **said)), icon=":material/lock:")


def draw_open_notice() -> None:
    """Nobody signs in here; that must be seen wherever one looks."""
    if acting_person().how is How.OPEN:
        key = "notice_anywhere" if start_engine().sign_in.is_open_anywhere else "notice"
        st.markdown(f":orange[:material/lock_open:] :small[{text(f'sign_in.open.{key}')}]")


def draw_account(person: Person, account_page: st.Page) -> None:
    """Name, roles, own account and the way out, beneath the menu."""
    if person.how is How.OPEN:
        return
    label = f"**{plain_line(person.name)}**  \n:small[{plain_line(roles_line(person))}]"
    with st.sidebar.container(key="account"):
        with st.popover(label, icon=":material/account_circle:", width="stretch"):
            st.page_link(account_page, label=text("sign_in.menu.own"), icon=":material/manage_accounts:")
            draw_leave()


def draw_leave() -> None:
    """A real form: only an answer of the server can take the cookie away."""
    token = leave_token(session_token())
    st.html(
        f'<form method="post" action="{LEAVE_PATH}" class="sipd-leave">'
        f'<input type="hidden" name="{FORM_FIELD}" value="{token}">'
        f'<button type="submit">{escape(text("sign_in.menu.leave"))}</button></form>'
    )


def roles_line(person: Person) -> str:
    """His roles in words."""
    return ", ".join(role_names(person.roles)) or text("sign_in.menu.no_role")


def _link_button(label: str, address: str) -> None:
    """Leads away in the same tab, which Streamlit's own button does not."""
    st.html(f'<a class="sipd-button" href="{escape(address)}" target="_self">{escape(label)}</a>')


def _path_of(url: str) -> str:
    """Path and query of an address."""
    _, _, rest = url.partition("://")
    path = rest[len(rest.split("/", 1)[0]) :]
    return path or "/"
