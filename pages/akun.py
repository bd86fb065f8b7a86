"""Akun saya: one's own name and roles, another password, and where one is signed in."""

import streamlit as st

from pages.shell import people_own
from pages.shell.frame import errors_shown, page_frame
from pages.shell.resources import acting_person
from sipd_core.permissions import How
from sipd_core.texts import text


def main() -> None:
    engine = page_frame(text("people.own.title"), text("people.own.intro"), needs=None)
    if acting_person().how is How.OPEN:
        st.info(text("people.own.open"), icon=":material/lock_open:")
        return
    with errors_shown():
        people_own.draw_own(engine.account)


main()
