"""Entry script: what every run starts with, and the way to the pages.

It lives in a folder without a `pages` folder beside it: Streamlit would otherwise open page files by their address
before this script has ever run.
"""

import sys
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st

from pages.shell import signin_parts
from pages.shell.brand import picture
from pages.shell.places import ACCOUNT, GROUPS, Place
from sipd_core.errors import SignedOutError
from sipd_core.permissions import Person
from sipd_core.texts import text

PAGES = ROOT / "pages"


def main() -> None:
    """Register the pages and run the one asked for."""
    st.logo(picture(f"logo-{'dark' if st.context.theme.type == 'dark' else 'light'}.svg"), size="large")
    try:
        person = signin_parts.somebody()
    except SignedOutError:
        st.navigation([_page(place, hidden=True) for place in _places()], position="hidden")
        signin_parts.draw_signed_out()
        return
    account = _page(ACCOUNT, hidden=True)
    page = _navigation(person, account)
    if person is not None:
        signin_parts.draw_account(person, account)
        if not person.roles and page is not account:
            signin_parts.draw_without_role(person)
            return
    page.run()


def _navigation(person: Person | None, account: st.Page) -> st.Page:
    """The menu with what somebody may see. All pages are registered: one that is none of his says so itself."""
    shown: dict[str, list[st.Page]] = {}
    rest: list[st.Page] = [account]
    for group, places in GROUPS.items():
        for place in places:
            if person is not None and place.needs is not None and person.may(place.needs):
                shown.setdefault(text(f"ui.nav.{group}"), []).append(_page(place))
            else:
                rest.append(_page(place, hidden=True))
    if not shown:
        return st.navigation(rest, position="hidden")
    next(iter(shown.values())).extend(rest)
    return st.navigation(shown, expanded=True)


def _places() -> list[Place]:
    return [*(place for places in GROUPS.values() for place in places), ACCOUNT]


def _page(place: Place, *, hidden: bool = False) -> st.Page:
    title, icon = text(f"ui.nav.{place.key}"), f":material/{place.icon}:"
    first = place is GROUPS["desk"][0]
    visibility: Literal["visible", "hidden"] = "hidden" if hidden else "visible"
    return st.Page(PAGES / f"{place.file}.py", title=title, icon=icon, default=first, visibility=visibility)


main()
