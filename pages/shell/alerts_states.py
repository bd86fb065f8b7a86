"""How every rule stands now, as cards; who takes care of an alert says so here."""

from datetime import UTC, datetime

import streamlit as st

from pages.shell import session
from pages.shell.cards import badge
from pages.shell.frame import draw_problem, errors_kept, errors_shown
from pages.shell.plain import plain_line
from sipd_core.alerts import wording
from sipd_core.alerts.model import Kind, Phase, Standing, State, Watched
from sipd_core.alerts.room import AlertRoom
from sipd_core.locale_id import ago, moment
from sipd_core.texts import text

REFRESH_SECONDS = 15
_LOOKS = {
    Phase.FIRING: ("red", "notifications_active"),
    Phase.LOST: ("orange", "help"),
    Phase.CALMING: ("orange", "trending_down"),
    Phase.OK: ("green", "check_circle"),
    Phase.NO_DATA: ("gray", "help"),
    Phase.UNSEEN: ("gray", "hourglass_top"),
    Phase.OFF: ("gray", "notifications_off"),
}


@st.fragment(run_every=REFRESH_SECONDS)
def draw_states(alerts: AlertRoom, actor: str) -> None:
    """Every rule, what is wrong first; drawn again every few seconds."""
    with errors_shown():
        watched = sorted(alerts.watched(), key=lambda one: list(Phase).index(one.phase))
        _draw_summary(watched)
        with st.grid(columns=2, min_column_width=300, gap="small"):
            for one in watched:
                _draw_card(alerts, one, actor)


def _draw_summary(watched: list[Watched]) -> None:
    open_ = [one for one in watched if one.standing and one.standing.incident]
    looked = max((one.standing.looked_at for one in watched if one.standing), default=None)
    if looked is None:
        st.info(text("alerts.states.never"), icon=":material/hourglass_top:")
    elif not open_:
        st.success(text("alerts.states.calm"), icon=":material/check_circle:")
    if looked is not None:
        st.caption(text("alerts.states.looked", ago=ago(looked, datetime.now(UTC)), at=moment(looked)))


def _draw_card(alerts: AlertRoom, one: Watched, actor: str) -> None:
    phase, standing = one.phase, one.standing
    color, icon = _LOOKS[phase]
    with st.container(border=True, key=f"alert-{one.rule.kind}", gap="xsmall", height="stretch"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{plain_line(wording.title(one.rule.kind))}**", width="content")
            st.markdown(badge(color, text(f"alerts.look.{phase}"), icon), width="content")
        st.markdown(plain_line(_said(one)))
        st.caption(_rule_line(one))
        if standing is not None and standing.incident:
            _draw_incident(alerts, one.rule.kind, standing, actor)


def _said(one: Watched) -> str:
    """The figure against its threshold, or why there is none."""
    if one.standing is None:
        return text("alerts.states.off" if not one.rule.enabled else "alerts.states.unseen")
    reading = one.standing.reading
    if one.standing.state is State.NO_DATA or reading.value is None:
        return wording.missing(one.rule, reading)
    return wording.situation(one.rule, reading)


def _rule_line(one: Watched) -> str:
    said = text("alerts.states.rule", condition=wording.condition(one.rule))
    if one.standing is not None:
        said = f"{said} · {text('alerts.states.since', ago=ago(one.standing.since, datetime.now(UTC)))}"
    return plain_line(said)


def _draw_incident(alerts: AlertRoom, kind: Kind, standing: Standing, actor: str) -> None:
    if standing.reading.detail:
        st.markdown(plain_line(standing.reading.detail))
    st.markdown(f":material/build: {plain_line(wording.advice(kind))}")
    if standing.acknowledged_by:
        when = ago(standing.acknowledged_at, datetime.now(UTC))
        said = text("alerts.states.acknowledged", actor=standing.acknowledged_by, ago=when)
        st.markdown(badge("blue", said, "person_check"))
        return
    with st.popover(text("alerts.states.acknowledge"), icon=":material/person_check:"):
        st.caption(text("alerts.states.acknowledge_help"))
        key = f"alerts.note.{kind}"
        st.text_input(text("alerts.states.note"), max_chars=300, key=key)
        draw_problem(f"alerts.ack.{kind}")
        label = text("alerts.states.acknowledge_yes")
        if st.button(label, type="primary", key=f"alerts.ack.{kind}", on_click=_take, args=(alerts, kind, actor, key)):
            st.rerun()


def _take(alerts: AlertRoom, kind: Kind, actor: str, key: str) -> None:
    with errors_kept(f"alerts.ack.{kind}"):
        alerts.acknowledge(kind, actor=actor, note=str(st.session_state.get(key) or ""))
        st.session_state[key] = ""
        session.flash(text("alerts.states.taken", title=wording.title(kind)))
