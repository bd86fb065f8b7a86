"""What every page shows while the console gives its content up for that of an archive, or puts it into today's form."""

import streamlit as st

from pages.shell.plain import plain
from sipd_core.backup.progress import Step
from sipd_core.blocking import BlockingEngine
from sipd_core.errors import SipdError
from sipd_core.locale_id import number
from sipd_core.store.upgrading import under_way
from sipd_core.texts import text

POLL_SECONDS = 0.7


@st.fragment(run_every=POLL_SECONDS)
def draw_pause(engine: BlockingEngine) -> None:
    """Say that it is so and how far it is; the page goes on by itself afterwards."""
    try:
        engine.status()
    except SipdError as error:
        work = engine.backups.work
        with st.container(border=True):
            st.markdown(f"**{text('backup.pause.title')}**")
            st.write(plain(error.user_text))
            if work is not None and work.running:
                draw_step(work.step)
        return
    st.rerun()


@st.fragment(run_every=POLL_SECONDS)
def draw_upgrade() -> None:
    """Say that the first start after an update takes a while, and how far it is; the page goes on by itself afterwards."""
    if (upgrade := under_way()) is None:
        st.rerun()
    values = {"done": number(upgrade.done), "total": number(upgrade.total)}
    with st.container(border=True):
        st.markdown(f"**{text('ui.upgrade.title')}**")
        st.write(text("ui.upgrade.body"))
        st.progress(min(upgrade.done / upgrade.total, 1.0), text=text("ui.upgrade.rows", **values))


def draw_step(step: Step | None) -> None:
    """How far a part of the work is."""
    label = text(f"backup.step.{step.name}") if step else text("backup.step.reading")
    share = min(step.done / step.total, 1.0) if step and step.total else 0.0
    st.progress(share, text=label)
