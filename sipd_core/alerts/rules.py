"""What the figures say of a rule, and when that is an alarm. Pure: facts in, decisions out; the clock is an argument.

    no data ◄──(too few turns, or not measured)──► ok ──(threshold reached)──► firing
                                                    ▲                            │
                                                    └── good by a margin, for some looks ┘

An alarm whose figures go missing stays an open incident: nothing says yet that it is over.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sipd_core.alerts.model import (
    LONGEST_WINDOW,
    MOST_TURNS,
    EventKind,
    Kind,
    Reading,
    Rule,
    Sighting,
    Standing,
    State,
)
from sipd_core.errors import AlertError
from sipd_core.locale_id import number
from sipd_core.metrics import percentile
from sipd_core.texts import text

MARGIN = 0.1
"""An alarm is over only when the figure is better than the threshold by this share of it: it must not come and go."""
CALM_LOOKS = 3
"""Good looks in a row that end an alarm."""
FRESH = timedelta(minutes=3)
"""What a process saw longer ago says nothing: it may have ended."""
GIGABYTE = 10**9


@dataclass(frozen=True, slots=True)
class TurnFact:
    """What rules need of one turn."""

    at: datetime
    failed: bool
    total_ms: float | None
    """None when it came to no answer."""
    cached: bool | None
    """Whether its question needed no embedding call; None when nothing was searched."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that rules are held against, as of `now`."""

    now: datetime
    turns: Sequence[TurnFact]
    """Of the longest window at least."""
    spent_today: Decimal
    spent_month: Decimal
    daily_budget: Decimal | None
    monthly_budget: Decimal | None
    hosted: bool
    """Whether a provider is set."""
    sightings: Sequence[Sighting]
    first_content: datetime | None
    """When the base got something of its owner's; None: there is nothing to save yet."""
    chain: Reading | None = None
    """First broken entry of the audit as this process saw it; None: it has not looked."""
    catching_up: bool = False
    """A backup is being made, or about to be because one was missed."""


def measure(rule: Rule, facts: Facts) -> Reading:
    """What is to be held against the rule's threshold."""
    return _MEASURES[rule.kind](rule, facts)


def step(rule: Rule, reading: Reading, before: Standing | None, now: datetime) -> tuple[Standing, EventKind | None]:
    """How the rule stands after this look, and what has to be written in the log, if anything."""
    seen = replace(before, reading=reading, looked_at=now) if before else Standing(State.NO_DATA, now, reading, now)
    if reading.value is None or not _enough(rule, reading, seen.state):
        after, event = _moved(seen, State.NO_DATA, now, EventKind.NO_DATA)
    elif rule.is_bad(reading.value):
        after, event = _moved(seen, State.FIRING, now, EventKind.FIRED)
        after = replace(after, incident=True, calm=0)
    elif seen.incident:
        after, event = _recovering(rule, reading.value, seen, now)
    else:
        after, event = _moved(seen, State.OK, now, EventKind.DATA)
    return after, event if before or event is EventKind.FIRED else None


def checked(rule: Rule) -> Rule:
    """The rule, if it makes sense; raises AlertError, which says what is allowed."""
    trait = rule.trait
    if not trait.lowest <= rule.threshold <= trait.highest:
        lowest, highest = number(trait.lowest, 0 if trait.lowest >= 1 else 2), number(trait.highest)
        unit = text(f"alerts.unit.{trait.unit}")
        raise AlertError(text_key="alerts.error.threshold", lowest=lowest, highest=highest, unit=unit)
    if trait.of_turns and not 1 <= rule.window_minutes <= LONGEST_WINDOW:
        raise AlertError(text_key="alerts.error.window", highest=number(LONGEST_WINDOW))
    if trait.of_turns and not 1 <= rule.min_turns <= MOST_TURNS:
        raise AlertError(text_key="alerts.error.turns", highest=number(MOST_TURNS))
    return rule


def _moved(before: Standing, state: State, now: datetime, event: EventKind) -> tuple[Standing, EventKind | None]:
    if before.state is state:
        return before, None
    return replace(before, state=state, since=now), event


def _enough(rule: Rule, reading: Reading, state: State) -> bool:
    """Half the turns are enough to go on with: a quiet hour must not switch between data and none all the time."""
    if reading.turns is None:
        return True
    needed = rule.min_turns if state is State.NO_DATA else max(rule.min_turns / 2, 1)
    return reading.turns >= needed


def _recovering(rule: Rule, value: float, seen: Standing, now: datetime) -> tuple[Standing, EventKind | None]:
    calm = seen.calm + 1 if _is_well(rule, value) else 0
    if calm < CALM_LOOKS:
        return replace(_moved(seen, State.FIRING, now, EventKind.FIRED)[0], calm=calm), None
    return Standing(State.OK, now, seen.reading, now), EventKind.RECOVERED


def _is_well(rule: Rule, value: float) -> bool:
    if rule.trait.too_low:
        return value >= min(rule.threshold * (1 + MARGIN), rule.trait.highest)
    return value < rule.threshold * (1 - MARGIN) or value == 0


def _of_window(rule: Rule, facts: Facts) -> Iterable[TurnFact]:
    first = facts.now - timedelta(minutes=rule.window_minutes)
    return (turn for turn in facts.turns if turn.at > first)


def _error_rate(rule: Rule, facts: Facts) -> Reading:
    failed = [turn.failed for turn in _of_window(rule, facts)]
    return Reading(100 * sum(failed) / len(failed) if failed else None, len(failed))


def _slow(rule: Rule, facts: Facts) -> Reading:
    times = [turn.total_ms for turn in _of_window(rule, facts) if turn.total_ms is not None]
    p95 = percentile(times, 0.95)
    return Reading(None if p95 is None else p95 / 1_000, len(times))


def _cache_hits(rule: Rule, facts: Facts) -> Reading:
    hits = [turn.cached for turn in _of_window(rule, facts) if turn.cached is not None]
    return Reading(100 * sum(hits) / len(hits) if hits else None, len(hits))


def _daily_budget(_rule: Rule, facts: Facts) -> Reading:
    return _share(facts.spent_today, facts.daily_budget)


def _monthly_budget(_rule: Rule, facts: Facts) -> Reading:
    return _share(facts.spent_month, facts.monthly_budget)


def _share(spent: Decimal, budget: Decimal | None) -> Reading:
    if budget is None:
        return Reading(None, detail=text("alerts.missing.budget"))
    return Reading(float(100 * spent / budget) if budget else 100.0)


def _provider(_rule: Rule, facts: Facts) -> Reading:
    """For how long any of the processes has been without it."""
    if not facts.hosted:
        return Reading(None, detail=text("alerts.missing.provider"))
    fresh = _fresh(facts)
    if not fresh:
        return Reading(None, detail=text("alerts.missing.sighting"))
    troubled = [(one.trouble_since, one.trouble) for one in fresh if one.trouble and one.trouble_since]
    if not troubled:
        return Reading(0.0)
    since, trouble = min(troubled)
    return Reading(max((facts.now - since).total_seconds() / 60, 0.0), detail=trouble)


def _disk(_rule: Rule, facts: Facts) -> Reading:
    free = [one.free_bytes for one in _fresh(facts) if one.free_bytes is not None]
    if not free:
        return Reading(None, detail=text("alerts.missing.sighting"))
    return Reading(min(free) / GIGABYTE)


def _backup(rule: Rule, facts: Facts) -> Reading:
    """Without any backup its age counts from the first thing there was to save. One that is being made is waited for."""
    if facts.first_content is None:
        return Reading(None, detail=text("alerts.missing.content"))
    fresh = _fresh(facts)
    if not fresh:
        return Reading(None, detail=text("alerts.missing.sighting"))
    saved = max((one.saved_at for one in fresh if one.saved_at), default=None)
    days = max((facts.now - (saved or facts.first_content)).total_seconds() / 86_400, 0.0)
    if facts.catching_up and rule.is_bad(days):
        return Reading(None, detail=text("alerts.missing.catching_up"))
    return Reading(days, detail="" if saved else text("alerts.missing.backup"))


def _audit(_rule: Rule, facts: Facts) -> Reading:
    return facts.chain or Reading(None, detail=text("alerts.missing.audit"))


def _fresh(facts: Facts) -> list[Sighting]:
    return [one for one in facts.sightings if abs(facts.now - one.seen_at) <= FRESH]


_MEASURES: Mapping[Kind, Callable[[Rule, Facts], Reading]] = {
    Kind.ERROR_RATE: _error_rate,
    Kind.SLOW: _slow,
    Kind.CACHE_HITS: _cache_hits,
    Kind.DAILY_BUDGET: _daily_budget,
    Kind.MONTHLY_BUDGET: _monthly_budget,
    Kind.PROVIDER: _provider,
    Kind.DISK: _disk,
    Kind.BACKUP: _backup,
    Kind.AUDIT: _audit,
}
