"""Eskalasi: what was handed to people, who takes care of it, and what became of it."""

import streamlit as st

from pages.shell import desk_queue, desk_state, desk_ticket
from pages.shell.frame import errors_shown, page_frame
from sipd_core.permissions import Permission
from sipd_core.texts import text


def main() -> None:
    engine = page_frame(text("desk.title"), text("desk.intro"), needs=Permission.TICKETS_READ)
    wanted = desk_state.ticket()
    if wanted is not None:
        label = text("desk.back")
        st.button(label, icon=":material/arrow_back:", type="tertiary", key="desk.back", on_click=desk_state.leave)
    with errors_shown():
        if wanted is not None:
            desk_ticket.draw_ticket(engine, wanted)
        else:
            desk_queue.draw_queue(engine.desk)


main()
