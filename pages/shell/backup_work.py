"""Work with backups while it lasts and how it ended, and the question before what cannot be taken back."""

from datetime import UTC, datetime, timedelta

import streamlit as st

from pages.shell import backup_state, session
from pages.shell.frame import errors_kept
from pages.shell.pause import draw_step
from pages.shell.plain import plain, plain_line
from pages.shell.resources import acting_name
from sipd_core.backup.progress import Work, WorkKind
from sipd_core.backup.trial import report_from_json
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import moment, number
from sipd_core.store.backups import BackupKind, BackupRecord
from sipd_core.texts import text

POLL_SECONDS = 0.7
_WORD = "backup.restore_word"
_WITHOUT = "backup.without_texts"
SHOWN = timedelta(minutes=30)
"""How long the outcome of a piece of work stays on the page."""


def draw_work(engine: BlockingEngine) -> None:
    """What is under way, polled as long as it is; afterwards how it ended."""
    running = engine.backups.is_busy

    @st.fragment(run_every=POLL_SECONDS if running else None)
    def panel() -> None:
        work = engine.backups.work
        if work is not None and work.running:
            _draw_progress(work)
        elif running:
            st.rerun()

    panel()
    work = engine.backups.work
    if work is not None and work.ended is not None and not running:
        _draw_result(engine, work, work.ended)


@st.dialog(text("backup.restore.title"), icon=":material/settings_backup_restore:")
def ask_to_restore(engine: BlockingEngine, record: BackupRecord) -> None:
    """Everything will be replaced: the person types a word before it can be begun."""
    counts = dict(record.counts)
    told = {name: number(counts.get(name)) for name in ("cases", "conversations")}
    st.write(text("backup.restore.body", at=moment(record.at), **told, now=number(engine.status().cases)))
    st.markdown(f":material/shield: {text('backup.restore.safety')}")
    agreed = _agreed(engine.backups.keys_of(record.id).missing)
    word = text("backup.restore.word")
    st.text_input(text("backup.restore.type", word=word), key=_WORD, live="300ms")
    if st.button(
        text("backup.restore.confirm"),
        type="primary",
        disabled=not (_is_typed() and agreed),
        key="backup.restore_yes",
        on_click=_restore,
        args=(engine, record.id),
    ):
        st.rerun()


@st.dialog(text("backup.remove.title"), icon=":material/delete:")
def ask_to_remove(engine: BlockingEngine, record: BackupRecord) -> None:
    """A deleted archive cannot be brought back."""
    st.write(text("backup.remove.body", at=moment(record.at)))
    confirm = text("backup.remove.confirm")
    if st.button(confirm, type="primary", key="backup.remove_yes", on_click=_remove, args=(engine, record.id)):
        st.rerun()


def _agreed(missing: tuple[str, ...]) -> bool:
    """Whether no text would be left behind, or the person has said that it may be."""
    if not missing:
        st.session_state.pop(_WITHOUT, None)
        return True
    st.warning(plain_line(text("backup.restore.keys", ids=", ".join(missing))), icon=":material/key_off:")
    chosen = st.checkbox(text("backup.restore.without"), key=_WITHOUT)
    st.caption(text("backup.restore.without_means"))
    return chosen


def _restore(engine: BlockingEngine, id_: str) -> None:
    if _is_typed():
        with errors_kept():
            without_texts = bool(st.session_state.get(_WITHOUT))
            engine.backups.start_restoring(id_, acting_name(), without_texts=without_texts)


def _is_typed() -> bool:
    typed = str(st.session_state.get(_WORD) or "")
    return typed.strip().casefold() == text("backup.restore.word").casefold()


def _remove(engine: BlockingEngine, id_: str) -> None:
    with errors_kept():
        engine.backups.remove(id_)
        backup_state.choose(None)
        session.flash(text("backup.remove.done"))


def _draw_progress(work: Work) -> None:
    with st.container(border=True):
        st.markdown(f"**{text(f'backup.work.{work.kind}')}**")
        draw_step(work.step)
        st.caption(text("backup.work.hint_restore" if work.kind is WorkKind.RESTORE else "backup.work.hint"))


def _draw_result(engine: BlockingEngine, work: Work, ended: datetime) -> None:
    if backup_state.is_read(ended) or datetime.now(UTC) - ended > SHOWN:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if work.error:
            st.error(plain(f"{text(f'backup.work.{work.kind}_failed')} {work.error}"), icon=":material/error:")
        else:
            _draw_success(engine, work)
        st.button(
            text("backup.work.close"),
            type="tertiary",
            icon=":material/close:",
            key="backup.close",
            on_click=backup_state.close_result,
            args=(ended,),
        )


def _draw_success(engine: BlockingEngine, work: Work) -> None:
    if work.kind is WorkKind.RESTORE:
        safety = _last_safety(engine)
        said = text("backup.work.restore_done", at=moment(safety.at) if safety else "—")
        shown = st.warning if work.remark else st.success
        shown(plain_line(f"{said} {work.remark}".strip()), icon=":material/settings_backup_restore:")
    elif work.kind is WorkKind.TEST and (flaw := _flaw(engine, work)):
        st.warning(text(f"backup.work.test_{flaw}"), icon=":material/difference:")
    else:
        st.success(text(f"backup.work.{work.kind}_done"), icon=":material/check_circle:")


def _flaw(engine: BlockingEngine, work: Work) -> str:
    """What was not as it should be; empty when all was."""
    found = [entry.record for entry in engine.backups.overview().entries if entry.record.id == work.backup_id]
    report = report_from_json(found[0].test) if found and found[0].test else None
    if report is None or not report.passed:
        return "differs"
    return "partly" if report.left.texts else ""


def _last_safety(engine: BlockingEngine) -> BackupRecord | None:
    entries = engine.backups.overview().entries
    return next((entry.record for entry in entries if entry.record.kind is BackupKind.SAFETY), None)
