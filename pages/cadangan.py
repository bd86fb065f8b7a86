"""Cadangan: everything in one archive, made now or by schedule; tested, downloaded, brought, and restored."""

import streamlit as st

from pages.shell import backup_list, backup_state, backup_work
from pages.shell.frame import errors_shown, page_frame
from pages.shell.resources import acting_name
from pages.shell.uploader import label_uploader
from sipd_core.blocking import BlockingEngine
from sipd_core.permissions import Permission
from sipd_core.texts import text

FILE_TYPES = ["zip"]


def main() -> None:
    engine = page_frame(text("backup.title"), text("backup.intro"), needs=Permission.BACKUP)
    with errors_shown():
        overview = engine.backups.overview()
        busy = engine.backups.is_busy
        backup_list.draw_summary(overview)
        if overview.brings_keys:
            st.caption(f":material/key: {text('backup.keys.made')}")
        label = text("backup.make.button")
        if st.button(label, type="primary", icon=":material/backup:", disabled=busy, key="backup.make"):
            engine.backups.start_making(acting_name())
            st.rerun()
        backup_work.draw_work(engine)
        backup_list.draw_entries(engine, overview, busy=busy)
        _upload(engine)
        backup_list.draw_rules(overview)


def _upload(engine: BlockingEngine) -> None:
    st.subheader(text("backup.upload.heading"), anchor=False)
    label_uploader(text("backup.upload.choose"), text("backup.upload.drop"))
    file = st.file_uploader(
        text("backup.upload.label"),
        FILE_TYPES,
        help=text("backup.upload.help", folder=engine.backups.overview().folder),
        key=f"backup.file.{backup_state.upload_round()}",
    )
    button = text("backup.upload.button")
    if st.button(button, icon=":material/upload:", disabled=file is None, key="backup.receive") and file is not None:
        with errors_shown(), st.spinner(text("backup.upload.working")):
            record = engine.backups.receive(file, acting_name())
            backup_state.received(record.id)
            st.rerun()


main()
