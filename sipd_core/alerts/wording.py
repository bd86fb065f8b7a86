"""Alerts in words: figures with their units, and sentences that say what is wrong and what to do."""

from sipd_core.alerts.model import (
    TRAITS,
    AlertEvent,
    EventKind,
    Kind,
    Reading,
    Rule,
    Unit,
)
from sipd_core.locale_id import UNKNOWN, number
from sipd_core.texts import text

_DECIMALS = {Unit.PERCENT: 1, Unit.SECONDS: 1, Unit.MINUTES: 0, Unit.GIGABYTES: 1, Unit.DAYS: 1}
_FIXED = (EventKind.FIRED, EventKind.DATA, EventKind.RECOVERED)
"""What is told with its threshold, where there is one."""
_SMALL = 1.0
"""Below this one decimal would tell too little."""


def amount(kind: Kind, value: float | None) -> str:
    """`7,2%`, `12,5 detik`, `1,8 GB`, `6 jam` for a part of a day; a dash for what is not known."""
    if value is None:
        return UNKNOWN
    unit = TRAITS[kind].unit
    if unit is Unit.ENTRY:
        return text("alerts.amount.entry", n=number(value)) if value else text("alerts.amount.no_entry")
    if unit is Unit.DAYS and value < 1:
        hours = int(value * 24)
        return text("alerts.amount.hours", n=hours) if hours else text("alerts.amount.under_an_hour")
    decimals = 2 if 0 < abs(value) < _SMALL and unit is not Unit.MINUTES else _DECIMALS[unit]
    return text(f"alerts.amount.{unit}", n=_trimmed(number(value, decimals)))


def title(kind: Kind) -> str:
    """What is watched, in two or three words."""
    return text(f"alerts.title.{kind}")


def advice(kind: Kind) -> str:
    """What to do about it."""
    return text(f"alerts.advice.{kind}")


def situation(rule: Rule, reading: Reading) -> str:
    """How things are, held against the threshold, in one sentence."""
    values = {"value": amount(rule.kind, reading.value), "threshold": amount(rule.kind, rule.threshold)}
    over = {"turns": number(reading.turns), "window": number(rule.window_minutes)} if rule.trait.of_turns else {}
    never_saved = rule.kind is Kind.BACKUP and reading.detail
    key = "never_saved" if never_saved else "audit_whole" if rule.kind is Kind.AUDIT and not reading.value else rule.kind
    return text(f"alerts.situation.{key}", **values, **over)


def missing(rule: Rule, reading: Reading) -> str:
    """Why there is nothing to hold against the threshold."""
    if rule.trait.of_turns:
        turns, window = number(reading.turns or 0), number(rule.window_minutes)
        return text("alerts.missing.turns", turns=turns, window=window, least=number(rule.min_turns))
    return reading.detail or text("alerts.missing.sighting")


def condition(rule: Rule) -> str:
    """The rule itself: when it gives alarm."""
    if rule.trait.fixed:
        return text(f"alerts.condition.{rule.kind}")
    threshold = amount(rule.kind, rule.threshold)
    said = text(f"alerts.condition.{'below' if rule.trait.too_low else 'reached'}", threshold=threshold)
    if not rule.trait.of_turns:
        return said
    return text("alerts.condition.window", said=said, window=number(rule.window_minutes), least=number(rule.min_turns))


def told(event: AlertEvent) -> str:
    """One line of the log as a sentence."""
    values = {"title": title(event.rule), "value": amount(event.rule, event.value)}
    has_words = TRAITS[event.rule].fixed and event.event in _FIXED
    key = f"{event.event}_fixed" if has_words else str(event.event)
    said = text(f"alerts.told.{key}", **values, threshold=amount(event.rule, event.threshold), actor=event.actor)
    return f"{said} {advice(event.rule)}" if event.event is EventKind.FIRED else said


def _trimmed(shown: str) -> str:
    """`5,0` -> `5`: a round threshold reads as people typed it."""
    return shown.rstrip("0").rstrip(",") if "," in shown else shown
