"""Where alerts are sent to besides the screen, a try of it, and what became of the last messages."""

from datetime import UTC, datetime

import streamlit as st

from pages.shell import session
from pages.shell.frame import draw_problem, errors_kept, errors_shown
from pages.shell.plain import plain_line
from pages.shell.resources import may
from sipd_core.alerts import wording
from sipd_core.alerts.model import Delivery
from sipd_core.alerts.room import AlertRoom
from sipd_core.locale_id import UNKNOWN, moment, number
from sipd_core.permissions import Permission
from sipd_core.texts import text

REFRESH_SECONDS = 3
_COLUMNS = ("at", "message", "state", "attempts", "problem")


def draw_webhook(alerts: AlertRoom, actor: str) -> None:
    """How to set a webhook, or the one that is set."""
    st.subheader(text("alerts.webhook.heading"), anchor=False)
    host = alerts.webhook_host
    if host is None:
        st.info(plain_line(text("alerts.webhook.unset")), icon=":material/webhook:")
        return
    st.markdown(plain_line(text("alerts.webhook.set", host=host)))
    found = alerts.deliveries()
    if found and found[0].problem:
        st.warning(plain_line(text("alerts.webhook.trouble", reason=found[0].problem)), icon=":material/warning:")
    label = text("alerts.webhook.try")
    closed = not may(Permission.MONEY)
    st.button(label, icon=":material/send:", key="alerts.test", disabled=closed, on_click=_send, args=(alerts, actor))
    draw_problem("alerts.test")
    waits = any(one.due_at for one in found)
    _draw_deliveries(alerts, run_every=REFRESH_SECONDS if waits else None)


def _send(alerts: AlertRoom, actor: str) -> None:
    with errors_kept("alerts.test"):
        alerts.send_test(actor)
        session.flash(text("alerts.webhook.entered"))


def _draw_deliveries(alerts: AlertRoom, run_every: float | None) -> None:
    """Drawn again while something is on its way."""

    @st.fragment(run_every=run_every)
    def table() -> None:
        with errors_shown():
            found = alerts.deliveries()
            if not found:
                st.caption(text("alerts.webhook.none"))
                return
            names = {name: text(f"alerts.webhook.column.{name}") for name in _COLUMNS}
            rows = [{names[name]: cell for name, cell in _shown(one).items()} for one in found]
            wide = {names["state"]: st.column_config.TextColumn(width="medium")}
            st.dataframe(rows, hide_index=True, width="stretch", column_config=wide)
            if run_every and not any(one.due_at for one in found):
                st.rerun()  # nothing is on its way any more: the timer ends

    table()


def _shown(one: Delivery) -> dict[str, str]:
    event = text(f"alerts.event.{one.event}")
    return {
        "at": moment(one.made_at),
        "message": f"{wording.title(one.rule)}: {event}" if one.rule else event,
        "state": _state(one),
        "attempts": number(one.attempts),
        "problem": one.problem or UNKNOWN,
    }


def _state(one: Delivery) -> str:
    if one.delivered_at is not None:
        return text("alerts.webhook.delivered", at=moment(one.delivered_at))
    if one.due_at is None:
        return text("alerts.webhook.given_up")
    if one.attempts and one.problem and one.due_at > datetime.now(UTC):
        return text("alerts.webhook.again", at=moment(one.due_at))
    return text("alerts.webhook.waiting")
