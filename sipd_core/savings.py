"""What measured conversations saved, by what a manager supposes of the work by hand. One reason to change: the formulas."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from sipd_core.roi import (
    DAYS_A_YEAR,
    MINUTES_AN_HOUR,
    MONTHS_A_YEAR,
    Figure,
    Unit,
    payback,
    plain,
)


@dataclass(frozen=True, slots=True)
class Supposed:
    """What nobody can measure here; money in rupiah."""

    minutes_by_hand: Figure
    minutes_with_console: Figure
    cost_per_ticket: Figure
    wage_per_hour: Figure
    users_per_day: Figure
    investment: Figure
    running_per_month: Figure


@dataclass(frozen=True, slots=True)
class Measured:
    """What was counted in a period, and what its models cost."""

    days: Figure
    conversations: Figure
    confirmed: Figure
    assumed: Figure
    escalated: Figure
    unresolved: Figure
    reopened: Figure
    open: Figure
    helpful: Figure
    unhelpful: Figure
    model_costs: Figure
    """Rupiah; AT_LEAST while the price of some call is not known, no value while none is."""


@dataclass(frozen=True, slots=True)
class Worth:
    """Every computed figure with its formula; a figure that needs another stands below it."""

    resolved: Figure
    """Without a person: confirmed or taken for resolved."""
    lost: Figure
    """Solved otherwise, after the console had been asked."""
    resolved_share: Figure
    confirmed_share: Figure
    escalated_share: Figure
    satisfaction: Figure
    """Thumbs up of all thumbs."""
    adoption: Figure
    """Conversations a day, of the people meant to use the console."""
    minutes_saved: Figure
    """Less the minutes spent at the console in vain."""
    time_savings: Figure
    ticket_savings: Figure
    savings: Figure
    running: Figure
    """Server and upkeep for the days of the period."""
    net: Figure
    minutes_confirmed: Figure
    """As `minutes_saved`, of the confirmed conversations alone."""
    net_confirmed: Figure
    """The net if nothing counts but what was confirmed."""
    net_year: Figure
    """The net of a year that goes on like the period."""
    roi_year: Figure
    """What a year returns on the investment, per rupiah of it."""
    payback_days: Figure

    def __iter__(self) -> Iterator[Figure]:
        """Every figure, in the order in which they build on each other."""
        return (getattr(self, field.name) for field in fields(self))


def worth(measured: Measured, supposed: Supposed) -> Worth:
    """All figures of a period; what cannot be computed (a share of nothing) has no value."""
    resolved = (measured.confirmed + measured.assumed).called("resolved", Unit.COUNT)
    lost = (measured.escalated + measured.unresolved + measured.reopened).called("lost", Unit.COUNT)
    minutes = _minutes(resolved, lost, supposed).called("minutes_saved", Unit.MINUTES)
    minutes_confirmed = _minutes(measured.confirmed, lost, supposed).called("minutes_confirmed", Unit.MINUTES)
    time = _time(minutes, supposed).called("time_savings", Unit.RUPIAH)
    tickets = (resolved * supposed.cost_per_ticket).called("ticket_savings", Unit.RUPIAH)
    savings = (time + tickets).called("savings", Unit.RUPIAH)
    running = supposed.running_per_month * plain(MONTHS_A_YEAR) * measured.days / plain(DAYS_A_YEAR)
    running = running.called("running", Unit.RUPIAH)
    net = (savings - measured.model_costs - running).called("net", Unit.RUPIAH)
    confirmed = _time(minutes_confirmed, supposed) + measured.confirmed * supposed.cost_per_ticket
    year = (net / measured.days * plain(DAYS_A_YEAR)).called("net_year", Unit.RUPIAH)
    return Worth(
        resolved=resolved,
        lost=lost,
        resolved_share=(resolved / measured.conversations).called("resolved_share", Unit.SHARE),
        confirmed_share=(measured.confirmed / measured.conversations).called("confirmed_share", Unit.SHARE),
        escalated_share=(measured.escalated / measured.conversations).called("escalated_share", Unit.SHARE),
        satisfaction=_satisfaction(measured),
        adoption=(measured.conversations / measured.days / supposed.users_per_day).called("adoption", Unit.COUNT),
        minutes_saved=minutes,
        time_savings=time,
        ticket_savings=tickets,
        savings=savings,
        running=running,
        net=net,
        minutes_confirmed=minutes_confirmed,
        net_confirmed=(confirmed - measured.model_costs - running).called("net_confirmed", Unit.RUPIAH),
        net_year=year,
        roi_year=((year - supposed.investment) / supposed.investment).called("roi_year", Unit.SHARE),
        payback_days=payback(supposed.investment, net, measured.days),
    )


def _minutes(resolved: Figure, lost: Figure, supposed: Supposed) -> Figure:
    """A case that the console could not solve was looked up in vain before it was done by hand."""
    saved = resolved * (supposed.minutes_by_hand - supposed.minutes_with_console)
    return saved - lost * supposed.minutes_with_console


def _time(minutes: Figure, supposed: Supposed) -> Figure:
    return minutes / plain(MINUTES_AN_HOUR) * supposed.wage_per_hour


def _satisfaction(measured: Measured) -> Figure:
    given = measured.helpful + measured.unhelpful
    return (measured.helpful / given).called("satisfaction", Unit.SHARE)
