"""Imports under way and imports of the past, drawn: progress that survives everything, and the way back."""

import streamlit as st

from pages.shell import session
from pages.shell.cards import badge
from pages.shell.drafts import draw_notices, masked_help
from pages.shell.frame import errors_kept, errors_shown
from pages.shell.paging import Pages
from pages.shell.plain import plain, plain_line
from pages.shell.rejected import draw_rejected
from pages.shell.resources import acting_name
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import ImportProgress, ImportReport, ImportStatus
from sipd_core.locale_id import duration, moment, number
from sipd_core.texts import text

POLL_SECONDS = 1.5
_PAGES = Pages(session.HISTORY_PAGE, 8)

_LOOKS = {
    ImportStatus.DONE: ("green", "check_circle"),
    ImportStatus.INDEXING: ("blue", "hourglass_top"),
    ImportStatus.PAUSED: ("orange", "pause_circle"),
    ImportStatus.FAILED: ("red", "error"),
    ImportStatus.UNDONE: ("gray", "undo"),
}
_COUNTS = (
    ("accepted", "green"),
    ("changed", "blue"),
    ("unchanged", "gray"),
    ("kept", "gray"),
    ("rejected", "orange"),
    ("duplicates", "orange"),
    ("masked", "violet"),
)


def draw_running(engine: BlockingEngine) -> None:
    """The imports whose rows are not all found by meaning yet; polls only while there is something to watch."""
    started = engine.uploads.progress()
    moving = any(not progress.paused for progress in started)
    if not started and not engine.indexing().error:
        return
    seen = _standing(started)

    @st.fragment(run_every=POLL_SECONDS if moving else None)
    def panel() -> None:
        with errors_shown():
            now = engine.uploads.progress()
            _draw_progress(engine, now)
            if _standing(now) != seen:
                st.rerun()

    panel()


def _standing(running: tuple[ImportProgress, ...]) -> list[tuple[str, bool]]:
    """What else on the page depends on: which imports are under way, and which of them pause."""
    return [(progress.import_id, progress.paused) for progress in running]


def _draw_progress(engine: BlockingEngine, running: tuple[ImportProgress, ...]) -> None:
    if running:
        st.subheader(text("imports.running.heading"), anchor=False)
    if error := engine.indexing().error:
        st.warning(plain(text("imports.running.failed", reason=error)), icon=":material/warning:")
    for progress in running:
        with st.container(border=True, gap="small"):
            _draw_one(engine, progress, progress.file)
    if running:
        st.caption(text("imports.running.hint"))


def _draw_one(engine: BlockingEngine, progress: ImportProgress, file: str) -> None:
    status = ImportStatus.PAUSED if progress.paused else ImportStatus.INDEXING
    mark = badge(_LOOKS[status][0], text(f"imports.status.{status}"), _LOOKS[status][1])
    st.markdown(f"**{plain_line(file)}** {mark}")
    st.progress(progress.done / max(progress.total, 1), text=_progress_text(progress))
    key = progress.import_id
    with st.container(horizontal=True, gap="small"):
        if progress.paused:
            label, act, icon = text("imports.running.resume"), engine.resume_import, ":material/play_arrow:"
        else:
            label, act, icon = text("imports.running.pause"), engine.pause_import, ":material/pause:"
        st.button(label, icon=icon, key=f"imports.pause.{key}", on_click=_kept, args=(act, key))
        if st.button(
            text("imports.running.cancel"), icon=":material/undo:", key=f"imports.cancel.{key}", type="tertiary"
        ):
            _confirm_undo(engine, key, file)


def _progress_text(progress: ImportProgress) -> str:
    said = [text("imports.running.done", done=number(progress.done), total=number(progress.total))]
    if progress.rate is not None:
        said.append(text("imports.running.rate", rate=number(progress.rate, 1)))
    if progress.remaining_seconds is not None:
        said.append(text("imports.running.remaining", time=duration(progress.remaining_seconds * 1_000)))
    return " · ".join(said)


def _kept(act: object, import_id: str) -> None:
    with errors_kept():
        act(import_id)  # type: ignore[operator]


def draw_history(engine: BlockingEngine) -> None:
    """Every import, newest first, a page at a time; what it brought opens on demand."""
    st.subheader(text("imports.history.heading"), anchor=False)
    count = engine.uploads.imports_count()
    if not count:
        st.caption(text("imports.history.empty"))
        return
    for report in engine.imports(_PAGES.size, _PAGES.offset(count)):
        _draw_report(engine, report)
    _PAGES.draw(count)


@st.fragment
def _draw_report(engine: BlockingEngine, report: ImportReport) -> None:
    color, icon = _LOOKS[report.status]
    mark = badge(color, text(f"imports.status.{report.status}"), icon)
    key = "brought" if report.accepted else "brought_nothing"
    brought = text(f"imports.history.{key}", n=number(report.accepted)) if not report.error else ""
    label = f"**{plain_line(report.file)}** {mark} :gray[:small[{plain_line(moment(report.at))} {brought}]]"
    fold = st.expander(label, key=f"imports.report.{report.id}", on_change="rerun")
    if not fold.open:
        return
    with fold, errors_shown():
        _draw_details(engine, report)


def _draw_details(engine: BlockingEngine, report: ImportReport) -> None:
    if report.actor:
        st.caption(plain_line(text("imports.history.by", actor=report.actor, at=moment(report.at))))
    if report.error:
        st.error(plain(report.error), icon=":material/error:")
        return
    st.markdown(" ".join(_counts(report)), help=masked_help(report))
    draw_notices(report)
    if report.reasons:
        draw_rejected(engine, report)
    _draw_way_back(engine, report)


def _counts(report: ImportReport) -> list[str]:
    """Badges of the counts; zeros are left out except for what was taken."""
    return [
        badge(color, text(f"imports.badge.{name}", n=number(getattr(report, name))))
        for name, color in _COUNTS
        if getattr(report, name) or name == "accepted"
    ]


def _draw_way_back(engine: BlockingEngine, report: ImportReport) -> None:
    if report.status is ImportStatus.UNDONE:
        st.caption(text("imports.history.undone"))
        label = text("imports.history.redo")
        key, args = f"imports.redo.{report.id}", (engine, report)
        if st.button(label, icon=":material/redo:", key=key, on_click=_redo, args=args):
            st.rerun()  # this part of the page was drawn from the report as it was before
        return
    label = text("imports.history.undo")
    if st.button(label, icon=":material/undo:", key=f"imports.undo.{report.id}"):
        _confirm_undo(engine, report.id, report.file)


def _redo(engine: BlockingEngine, report: ImportReport) -> None:
    with errors_kept():
        engine.redo_change(report.id, acting_name())
        session.flash(text("imports.history.redone", file=report.file))


@st.dialog(text("imports.undo.title"), icon=":material/undo:")
def _confirm_undo(engine: BlockingEngine, import_id: str, file: str) -> None:
    """What would go, come back and stay, before it does."""
    with errors_shown():
        effect = engine.undo_effect(import_id)
        st.markdown(f"**{plain_line(file)}**")
        parts = ("removed", "restored", "changed", "stays")
        lines = [
            text(f"imports.undo.{name}", n=number(getattr(effect, name))) for name in parts if getattr(effect, name)
        ]
        st.markdown("\n".join(f"- {line}" for line in lines) or text("imports.undo.nothing"))
        st.caption(text("imports.undo.hint"))
        yes = text("imports.undo.confirm")
        args = (engine, import_id, file)
        if st.button(yes, type="primary", key=f"imports.undo_yes.{import_id}", on_click=_undo, args=args):
            st.rerun()


def _undo(engine: BlockingEngine, import_id: str, file: str) -> None:
    with errors_kept():
        engine.undo_change(import_id, acting_name())
        session.flash(text("imports.undo.done", file=file))
