"""What lists have in common: fields that filter them and are kept, and a table of which one row is chosen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shell.paging import Pages
from sipd_core.texts import text

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Filters:
    """The fields above one list; each leads back to its first page and is kept when its page is left."""

    area: str
    """What their keys begin with."""
    texts: str
    """Where their labels are in the catalogue."""
    pages: Pages

    def search(self, place: DeltaGenerator) -> str:
        """Words to search for; empty: everything."""
        typed = place.text_input(
            text(f"{self.texts}.search"),
            type="search",
            placeholder=text(f"{self.texts}.search_hint"),
            key=f"{self.area}.search",
            live="300ms",
            on_change=self.pages.begin_anew,
            persist_state="session",
        )
        return typed or ""

    def standing(
        self, place: DeltaGenerator, name: str, options: Sequence[str], default: str, named: Callable[[str], str]
    ) -> str:
        """One of the options, which are shown side by side; its label is called `name`."""
        chosen = place.segmented_control(
            text(f"{self.texts}.{name}"),
            list(options),
            default=default,
            required=True,
            format_func=named,
            key=f"{self.area}.shown",
            wrap=True,
            on_change=self.pages.begin_anew,
            persist_state="session",
        )
        return chosen or default

    def choice(self, name: str, options: Mapping[str, str]) -> str | None:
        """One of the options (value -> what is shown), or None: all of them."""
        key = f"{self.area}.{name}"
        if st.session_state.get(key) not in options:  # the last row that had it has gone meanwhile
            st.session_state[key] = None
        return st.selectbox(
            text(f"{self.texts}.{name}"),
            list(options),
            index=None,
            placeholder=text(f"{self.texts}.all_{name}"),
            format_func=lambda value: options.get(value, value),
            key=key,
            on_change=self.pages.begin_anew,
            persist_state="session",
        )


def chosen_row(
    rows: Sequence[Row],
    lines: Sequence[Mapping[str, Any]],
    key: str,
    columns: Mapping[str, Any] | None = None,
    *,
    height: Literal["auto", "content"] = "auto",
) -> Row | None:
    """Draw a table, a line for each row, and return the row that is chosen in it; `columns` as Streamlit's `column_config`.

    `height`: as high as all its lines, or as ten at most, which scroll.
    """
    event = st.dataframe(
        lines,
        hide_index=True,
        width="stretch",
        height=height,
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        column_config=columns,
    )
    return next((rows[at] for at in event.selection.rows if at < len(rows)), None)
