"""One figure with its formula, in words and with its numbers put in."""

import streamlit as st

from pages.shell.plain import plain_line
from sipd_core.roi import Figure
from sipd_core.value_words import computed, formula, shown


def draw_formula(name: str, figure: Figure, *, given: str = "") -> None:
    """`given` is said of a figure that was not computed."""
    said = [formula(figure), computed(figure)] if figure.made else [given]
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{plain_line(name)}**", width="content")
            st.markdown(f"**{plain_line(shown(figure))}**", width="content")
        st.caption("  \n".join(map(plain_line, said)))
