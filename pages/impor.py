"""Impor: a file becomes a draft, the draft is looked at and corrected, and only a yes makes it an import."""

import streamlit as st

from pages.shell import drafts, imports, session
from pages.shell.frame import errors_shown, page_frame
from pages.shell.plain import plain
from pages.shell.uploader import label_uploader
from sipd_core.blocking import BlockingEngine
from sipd_core.errors import SipdError
from sipd_core.permissions import Permission
from sipd_core.texts import text

FILE_TYPES = ["csv", "xlsx", "tsv", "txt", "xlsm", "xls", "ods"]
"""The last two cannot be read, but the answer to them says in Indonesian how to save them."""


def main() -> None:
    engine = page_frame(text("imports.title"), text("imports.intro"), needs=Permission.BASE_WRITE)
    with errors_shown():
        _upload(engine)
        drafts.draw_drafts(engine)
    with errors_shown():
        imports.draw_running(engine)
        imports.draw_history(engine)


def _upload(engine: BlockingEngine) -> None:
    label_uploader(text("imports.upload.choose"), text("imports.upload.drop"))
    key = f"imports.files.{session.upload_round()}"
    st.file_uploader(
        text("imports.upload.label"),
        FILE_TYPES,
        accept_multiple_files=True,
        help=text("imports.upload.help"),
        key=key,
        on_change=_take,
        args=(engine, key),
    )
    _problems()


def _take(engine: BlockingEngine, key: str) -> None:
    """Every file becomes a draft; the uploader is emptied, so that its copy of the files is let go."""
    files = [file for file in st.session_state[key] if session.takes_upload(file.file_id)]
    if not files:
        return
    problems = []
    for file in files:
        try:
            engine.uploads.open(file.name, file.getvalue())
        except SipdError as error:
            problems.append(error.user_text)
    session.keep_upload_problems(problems)
    session.next_upload_round()


def _problems() -> None:
    """They stay until they are read: the page is drawn anew all the time while files are read."""
    if not (problems := session.upload_problems()):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.warning("\n\n".join(map(plain, problems)), icon=":material/info:")
        st.button(
            text("imports.upload.read"),
            icon=":material/close:",
            type="tertiary",
            key="imports.problems_read",
            on_click=session.keep_upload_problems,
            args=((),),
        )


main()
