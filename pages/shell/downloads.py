"""Figures as CSV files that spreadsheet programs open correctly and safely."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import streamlit as st

from pages.shell.resources import acting_by, running_engine, session_token, visitor
from sipd_core.deeds import Deed, DeedKind, acting_as

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def download_button(
    label: str,
    content: Callable[[], bytes],
    *,
    file_name: str,
    mime: str,
    key: str,
    icon: str = ":material/download:",
    type: Literal["primary", "secondary", "tertiary"] = "secondary",
    help: str | None = None,
    on_click: Literal["ignore"] = "ignore",
) -> None:
    """A button for a file, which is made when it is clicked; the audit knows who took it before it is handed out."""
    by, token = visitor(), session_token()

    def handed_out() -> bytes:
        with acting_by(token), acting_as(by):  # another thread makes it, which knows nothing of the page
            made = content()
            if engine := running_engine():
                engine.audit.record(Deed(DeedKind.EXPORT, file_name, details={"bytes": len(made)}))
        return made

    st.download_button(
        label, handed_out, file_name=file_name, mime=mime, key=key, icon=icon, type=type, help=help, on_click=on_click
    )


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """UTF-8 with a byte order mark, which Excel needs to read accents; text that looks like a formula is defused."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    """Text starting like a formula gets an apostrophe; figures stay figures."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
