"""What an import brought, drawn: one card for each file, the progress of indexing, the history."""

import streamlit as st

from pages.shell.cards import badge
from pages.shell.downloads import csv_bytes
from pages.shell.plain import plain, plain_line
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import ImportReport, ImportStatus, IndexingProgress
from sipd_core.locale_id import duration, moment, number
from sipd_core.texts import text

POLL_SECONDS = 0.7

_LOOKS = {
    ImportStatus.DONE: ("green", "check_circle"),
    ImportStatus.INDEXING: ("blue", "hourglass_top"),
    ImportStatus.FAILED: ("red", "error"),
}
_COUNTS = (
    ("accepted", "green"),
    ("changed", "blue"),
    ("unchanged", "gray"),
    ("rejected", "orange"),
    ("masked", "violet"),
)


def draw_report(report: ImportReport) -> None:
    """One file: what was taken, what was refused and why, what was recognised."""
    color, icon = _LOOKS[report.status]
    with st.container(border=True, gap="small"):
        st.markdown(f"**{plain_line(report.file)}** {badge(color, text(f'knowledge.report.{report.status}'), icon)}")
        if report.error:
            st.error(plain(report.error), icon=":material/error:")
            return
        st.markdown(" ".join(_counts(report)))
        if report.notices:
            st.caption(plain("\n".join(report.notices)))
        if report.reasons:
            _draw_reasons(report)


def draw_indexing(engine: BlockingEngine) -> None:
    """Progress while vectors are being made; polls only as long as there is something to watch."""
    running = engine.indexing().running

    @st.fragment(run_every=POLL_SECONDS if running else None)
    def panel() -> None:
        progress = engine.indexing()
        _draw_progress(progress)
        if running and not progress.running:
            st.rerun()

    panel()


def draw_history(reports: tuple[ImportReport, ...]) -> None:
    """Every import, newest first."""
    if not reports:
        st.caption(text("knowledge.history.empty"))
        return
    st.dataframe([_history_line(report) for report in reports], hide_index=True, width="stretch")


def _counts(report: ImportReport) -> list[str]:
    """Badges of the counts; zeros are left out except for what was taken."""
    badges = [
        badge(color, text(f"knowledge.report.{name}", n=number(getattr(report, name))))
        for name, color in _COUNTS
        if getattr(report, name) or name == "accepted"
    ]
    if report.duplicates:
        badges.append(badge("orange", text("knowledge.report.duplicates", n=number(report.duplicates))))
    return badges


def _draw_reasons(report: ImportReport) -> None:
    header = [text(f"knowledge.report.reason_{name}") for name in ("row", "sheet", "text")]
    rows = [(reason.row, reason.sheet or "", reason.reason) for reason in report.reasons]
    with st.expander(text("knowledge.report.reasons", n=number(len(rows))), icon=":material/rule:"):
        st.dataframe([dict(zip(header, row, strict=True)) for row in rows], hide_index=True, width="stretch")
        st.download_button(
            text("knowledge.report.download_reasons"),
            csv_bytes(header, rows),
            file_name=text("knowledge.report.reasons_file", file=report.file),
            mime="text/csv",
            icon=":material/download:",
            key=f"knowledge.reasons.{report.id}",
            on_click="ignore",
        )


def _draw_progress(progress: IndexingProgress) -> None:
    if progress.error:
        st.warning(plain(text("knowledge.indexing.failed", reason=progress.error)), icon=":material/warning:")
    if not progress.running:
        return
    label = text("knowledge.indexing.running", done=number(progress.done), total=number(progress.total))
    if progress.remaining_seconds is not None:
        label += ", " + text("knowledge.indexing.remaining", time=duration(progress.remaining_seconds * 1_000))
    st.progress(progress.done / max(progress.total, 1), text=label)
    st.caption(text("knowledge.indexing.hint"))


def _history_line(report: ImportReport) -> dict[str, object]:
    names = {name: text(f"knowledge.history.{name}") for name in ("at", "file", "status")}
    line: dict[str, object] = {
        names["at"]: moment(report.at),
        names["file"]: report.file,
        names["status"]: text(f"knowledge.report.{report.status}"),
    }
    for name, _ in _COUNTS:
        line[text(f"knowledge.history.{name}")] = getattr(report, name)
    return line
