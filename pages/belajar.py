"""Belajar: what the base does not answer, drafts of what it needs, and the proof that it answers then."""

import streamlit as st

from pages.shell import learning_gap, learning_list, learning_state
from pages.shell.frame import errors_shown, page_frame
from sipd_core.permissions import Permission
from sipd_core.texts import text


def main() -> None:
    engine = page_frame(text("learning.title"), text("learning.intro"), needs=Permission.LEARN_READ)
    wanted = learning_state.gap()
    if wanted is not None:
        label = text("learning.back")
        st.button(
            label, icon=":material/arrow_back:", type="tertiary", key="learning.back", on_click=learning_state.leave
        )
    with errors_shown():
        if wanted is not None:
            learning_gap.draw_gap(engine.learning, wanted)
        else:
            learning_list.draw_list(engine.learning)


main()
