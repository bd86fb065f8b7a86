"""Peringatan: what is wrong now, by which rules, what happened, and where it is told besides."""

import streamlit as st

from pages.shell import alerts_editor, alerts_log, alerts_states, alerts_webhook
from pages.shell.frame import errors_shown, page_frame
from pages.shell.resources import acting_name
from sipd_core.permissions import Permission
from sipd_core.texts import text


def main() -> None:
    engine = page_frame(text("alerts.page.title"), text("alerts.page.intro"), needs=Permission.FIGURES, alerts=False)
    actor = acting_name()
    with errors_shown():
        alerts = engine.alerts
        alerts_states.draw_states(alerts, actor)
        st.divider()
        alerts_editor.draw_editor(alerts, actor)
        st.divider()
        alerts_log.draw_log(alerts)
        st.divider()
        alerts_webhook.draw_webhook(alerts, actor)


main()
