"""Basis Pengetahuan: files go in, rows are looked through, sample rows come and go."""

import streamlit as st

from pages.shell import imports, session
from pages.shell.frame import errors_kept, errors_shown, page_frame
from pages.shell.table import draw_cases
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import number
from sipd_core.texts import text

FILE_TYPES = ["csv", "xlsx", "tsv", "txt", "xls", "ods"]
"""The last two cannot be read, but the answer to them says in Indonesian how to save them."""


def main() -> None:
    engine = page_frame(text("knowledge.title"), text("knowledge.intro"))
    with errors_shown():
        status = engine.status()
        _samples(engine, status.sample_cases)
        _upload(engine)
        imports.draw_indexing(engine)
        if status.cases:
            draw_cases(engine)
        else:
            _empty(engine)
    with errors_shown():
        st.subheader(text("knowledge.history.heading"), anchor=False)
        imports.draw_history(engine.imports())


def _samples(engine: BlockingEngine, samples: int) -> None:
    """The notice about sample rows, or the way to get them back once they were removed here."""
    removed = session.samples_removed()
    if not samples and not removed:
        return
    with st.container(border=True):
        said, act = st.columns([3, 1], vertical_alignment="center")
        if samples:
            said.markdown(f":material/science: {text('knowledge.samples.notice', n=number(samples))}")
            label = text("knowledge.samples.remove")
            if act.button(label, icon=":material/delete:", key="knowledge.remove", width="stretch"):
                _confirm_removal(engine, samples)
        else:
            said.markdown(f":material/check: {text('knowledge.samples.removed', n=number(removed))}")
            with act:
                _restore_button(engine)


@st.dialog(text("knowledge.samples.remove_title"), icon=":material/delete:")
def _confirm_removal(engine: BlockingEngine, samples: int) -> None:
    st.write(text("knowledge.samples.remove_body", n=number(samples)))
    confirm = text("knowledge.samples.remove_confirm")
    if st.button(confirm, type="primary", key="knowledge.remove_yes", on_click=_remove_samples, args=(engine,)):
        st.rerun()


def _remove_samples(engine: BlockingEngine) -> None:
    with errors_kept():
        session.note_samples_removed(engine.remove_samples())


def _restore_button(engine: BlockingEngine) -> None:
    if st.button(text("knowledge.samples.restore"), icon=":material/undo:", key="knowledge.restore"):
        restored = engine.restore_samples()
        session.note_samples_removed(0)
        session.flash(text("knowledge.samples.restored", n=number(restored)))
        st.rerun()


def _upload(engine: BlockingEngine) -> None:
    st.subheader(text("knowledge.upload.heading"), anchor=False)
    _uploader_in_indonesian()
    files = st.file_uploader(
        text("knowledge.upload.label"),
        FILE_TYPES,
        accept_multiple_files=True,
        help=text("knowledge.upload.help"),
        key=f"knowledge.files.{session.upload_round()}",
    )
    label = text("knowledge.upload.button", n=number(len(files))) if files else text("knowledge.upload.button_none")
    if st.button(label, type="primary", icon=":material/upload:", disabled=not files, key="knowledge.import"):
        with st.spinner(text("knowledge.upload.working")):
            reports = engine.import_files([(file.name, file) for file in files], text("people.local"))
        session.keep_reports(reports)
        st.rerun()
    _results(engine)


def _uploader_in_indonesian() -> None:
    """The uploader's own two labels are English and cannot be set; the style sheet shows ours instead."""
    zone = "[data-testid='stFileUploaderDropzone']"
    hint = f"{zone} [data-testid='stFileUploaderDropzoneInstructions']"
    choose, drop = text("knowledge.upload.choose"), text("knowledge.upload.drop")
    rules = (
        f"{zone} button p {{font-size: 0}}"
        f"{zone} button p::after {{font-size: 0.875rem; content: '{choose}'}}"
        f"{hint} > * {{display: none}} {hint}::after {{font-size: 0.875rem; content: '{drop}'}}"
    )
    st.html(f"<style>{rules}</style>")


def _results(engine: BlockingEngine) -> None:
    """The last import of this browser, as it stands now."""
    if not (reports := session.reports()):
        return
    current = {report.id: report for report in engine.imports()}
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{text('knowledge.upload.results')}**", width="content")
        st.button(
            text("knowledge.upload.clear_results"),
            icon=":material/close:",
            type="tertiary",
            key="knowledge.clear",
            on_click=session.forget_reports,
        )
    with st.grid(columns=2, min_column_width=320):
        for report in reports:
            imports.draw_report(current.get(report.id, report))


def _empty(engine: BlockingEngine) -> None:
    with st.container(border=True):
        st.markdown(f"**{text('knowledge.empty.title')}**")
        st.write(text("knowledge.empty.body"))
        if not session.samples_removed():
            _restore_button(engine)


main()
