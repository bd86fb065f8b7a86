"""What is wrong now, on top of every page: one line for each open alert that nobody takes care of yet."""

from pathlib import Path

import streamlit as st

from pages.shell.plain import plain_line
from sipd_core.alerts import wording
from sipd_core.alerts.model import Phase, Watched
from sipd_core.alerts.room import AlertRoom
from sipd_core.locale_id import number
from sipd_core.texts import text

PAGE = Path(__file__).resolve().parents[1] / "peringatan.py"


def draw_banner(alerts: AlertRoom) -> None:
    """Nothing where nothing is wrong; asks the database only every few seconds."""
    found = alerts.open()
    unseen = [one for one in found if one.standing and not one.standing.acknowledged_by]
    taken = len(found) - len(unseen)
    if not found:
        return
    with st.container(key="alerts-banner", border=bool(unseen), gap="xxsmall"):
        for one in unseen:
            st.markdown(_line(one))
        said = text("alerts.banner.taken", n=number(taken)) if taken else ""
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.page_link(PAGE, label=text("alerts.banner.link"), icon=":material/notifications_active:")
            if said:
                st.caption(said, width="content")


def _line(one: Watched) -> str:
    """What is wrong and what to do; of what is getting better, or may be, just that."""
    assert one.standing is not None
    title = f"**{plain_line(wording.title(one.rule.kind))}**"
    if one.phase is Phase.FIRING:
        said = wording.situation(one.rule, one.standing.reading)
        return f":red[:material/error:] {title} · {plain_line(said)} {plain_line(wording.advice(one.rule.kind))}"
    icon = "help" if one.phase is Phase.LOST else "trending_down"
    return f":orange[:material/{icon}:] {title} · {plain_line(text(f'alerts.banner.{one.phase}'))}"
