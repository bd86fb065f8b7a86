"""Kasus: the rows of the base are looked through, sample rows come and go."""

from pathlib import Path

import streamlit as st

from pages.shell import session
from pages.shell.frame import errors_kept, errors_shown, page_frame
from pages.shell.resources import may
from pages.shell.table import draw_cases
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import number
from sipd_core.permissions import Permission
from sipd_core.texts import text

IMPORT_PAGE = Path(__file__).with_name("impor.py")


def main() -> None:
    engine = page_frame(text("knowledge.title"), text("knowledge.intro"), needs=Permission.BASE_READ)
    with errors_shown():
        status = engine.status()
        _samples(engine, status.sample_cases)
        if status.cases:
            draw_cases(engine)
        else:
            _empty(engine)


def _samples(engine: BlockingEngine, samples: int) -> None:
    """The notice about sample rows, or the way to get them back once they were removed here."""
    removed = session.samples_removed()
    if (not samples and not removed) or not may(Permission.BASE_WRITE):
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


def _empty(engine: BlockingEngine) -> None:
    with st.container(border=True):
        st.markdown(f"**{text('knowledge.empty.title')}**")
        if not may(Permission.BASE_WRITE):
            st.write(text("knowledge.empty.body_read"))
            return
        st.write(text("knowledge.empty.body"))
        st.page_link(IMPORT_PAGE, label=text("knowledge.empty.import"), icon=":material/upload_file:")
        if not session.samples_removed():
            _restore_button(engine)


main()
