"""The log of alerts: of a period, filtered, page by page, and as a file."""

from collections.abc import Sequence

import streamlit as st

from pages.shell.downloads import csv_bytes, download_button
from pages.shell.paging import Pages
from pages.shell.period import period_picker
from sipd_core.alerts import wording
from sipd_core.alerts.model import TRAITS, AlertEvent, EventKind, Kind, LogFilter
from sipd_core.alerts.room import AlertRoom
from sipd_core.locale_id import JAKARTA, UNKNOWN, moment, number
from sipd_core.periods import Period
from sipd_core.texts import text

_PAGES = Pages("alerts.log_page", 25)
_LOGGED = [kind for kind in EventKind if kind not in (EventKind.TEST, EventKind.ESCALATION)]
_COLUMNS = {"at": 160, "rule": 180, "event": 120, "value": 100, "threshold": 80, "note": 190, "actor": 130}
"""Columns and their width in pixels; all of them fit beside the menu of a usual screen."""
_EXPORTED = ("id", "at", "rule", "event", "value", "threshold", "unit", "detail", "actor", "note")


def draw_log(alerts: AlertRoom) -> None:
    """Filters, one page of the log, and all that they let through as CSV."""
    st.subheader(text("alerts.log.heading"), anchor=False)
    period = period_picker("alerts")
    wanted = _filter(period)
    total = alerts.count_events(wanted)
    if not total:
        key = "alerts.log.none" if wanted.rules or wanted.kinds else "alerts.log.empty"
        st.info(text(key), icon=":material/history:")
        return
    events = alerts.events(wanted, _PAGES.size, _PAGES.offset(total))
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(text("alerts.log.total", n=number(total)), width="content")
        _draw_export(alerts, period, wanted)
    _draw_table(events)
    _PAGES.draw(total)


def exported(events: Sequence[AlertEvent]) -> bytes:
    """The events as CSV: figures as figures, moments with Jakarta's offset."""
    header = [text(f"alerts.export.{name}") for name in _EXPORTED]
    return csv_bytes(header, [_cells(event) for event in events])


def _filter(period: Period) -> LogFilter:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rules = st.multiselect(
            text("alerts.log.rules"),
            list(Kind),
            placeholder=text("alerts.log.all_rules"),
            format_func=wording.title,
            key="alerts.log_rules",
            on_change=_PAGES.begin_anew,
        )
        kinds = st.multiselect(
            text("alerts.log.kinds"),
            _LOGGED,
            placeholder=text("alerts.log.all_kinds"),
            format_func=lambda kind: text(f"alerts.event.{kind}"),
            key="alerts.log_kinds",
            on_change=_PAGES.begin_anew,
        )
    return LogFilter(period.start, period.end, tuple(rules), tuple(kinds))


def _draw_export(alerts: AlertRoom, period: Period, wanted: LogFilter) -> None:
    download_button(
        text("alerts.log.export"),
        lambda: exported(alerts.events(wanted)),
        file_name=text("alerts.log.file", first=period.first.isoformat(), last=period.last.isoformat()),
        mime="text/csv",
        icon=":material/download:",
        key="alerts.log_export",
        on_click="ignore",
    )


def _draw_table(events: Sequence[AlertEvent]) -> None:
    names = {name: text(f"alerts.log.column.{name}") for name in _COLUMNS}
    st.dataframe(
        [{names[name]: cell for name, cell in _shown(event).items()} for event in events],
        hide_index=True,
        width="stretch",
        column_config={
            names[name]: st.column_config.TextColumn(
                width=width, alignment="right" if name in ("value", "threshold") else "left"
            )
            for name, width in _COLUMNS.items()
        },
    )


def _shown(event: AlertEvent) -> dict[str, str]:
    return {
        "at": moment(event.at),
        "rule": wording.title(event.rule),
        "event": text(f"alerts.event.{event.event}"),
        "value": wording.amount(event.rule, event.value),
        "threshold": UNKNOWN if TRAITS[event.rule].fixed else wording.amount(event.rule, event.threshold),
        "note": event.note or event.detail or UNKNOWN,
        "actor": event.actor or UNKNOWN,
    }


def _cells(event: AlertEvent) -> list[object]:
    cells = {name: getattr(event, name, None) for name in _EXPORTED}
    named = {"at": event.at.astimezone(JAKARTA).isoformat(), "rule": wording.title(event.rule)}
    unit = text(f"alerts.unit.{TRAITS[event.rule].unit}")
    told = cells | named | {"event": text(f"alerts.event.{event.event}"), "unit": unit}
    return ["" if told[name] is None else told[name] for name in _EXPORTED]
