"""Rows that were not taken, drawn: why not, and the way to fetch them as a file."""

from functools import partial

import streamlit as st

from pages.shell.downloads import download_button
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import ImportReport
from sipd_core.locale_id import number
from sipd_core.texts import text
from sipd_core.uploads import FileKind

REASONS_SHOWN = 200
_TYPES: dict[FileKind, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def draw_rejected(engine: BlockingEngine, report: ImportReport, *, draft_id: str = "") -> None:
    """The reasons, and downloads of the rows in their original columns; of a draft when its id is given."""
    if not report.reasons:
        st.caption(text("imports.rejected.none"))
        return
    st.caption(text("imports.rejected.hint"))
    names = {name: text(f"imports.rejected.{name}_short") for name in ("sheet", "row", "reason")}
    lines = [
        {names["row"]: reason.row, names["reason"]: reason.reason, names["sheet"]: reason.sheet or ""}
        for reason in report.reasons[:REASONS_SHOWN]
    ]
    if not any(line[names["sheet"]] for line in lines):
        lines = [{name: value for name, value in line.items() if name != names["sheet"]} for line in lines]
    st.dataframe(
        lines,
        hide_index=True,
        width="stretch",
        height=min(38 * len(lines) + 40, 320),
        column_config={
            names["row"]: st.column_config.NumberColumn(width=80),
            names["reason"]: st.column_config.TextColumn(width="large"),
        },
    )
    if len(report.reasons) > REASONS_SHOWN:
        st.caption(text("imports.rejected.more", n=number(len(report.reasons) - REASONS_SHOWN)))
    _draw_downloads(engine, report, draft_id)


def _draw_downloads(engine: BlockingEngine, report: ImportReport, draft_id: str) -> None:
    stem = report.file.rpartition(".")[0] or report.file
    with st.container(horizontal=True, gap="small"):
        for kind, mime in _TYPES.items():
            download_button(
                text(f"imports.rejected.download_{kind}"),
                partial(engine.uploads.rejected_file, draft_id or report.id, kind, draft=bool(draft_id)),
                file_name=text("imports.rejected.file_name", file=stem, kind=kind),
                mime=mime,
                icon=":material/download:",
                key=f"imports.rejected.{kind}.{draft_id or report.id}",
                on_click="ignore",
            )
