"""Pure judgement: what is measured, when it is an alarm, and that it does not come and go."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from sipd_core.alerts.model import (
    DEFAULTS,
    TRAITS,
    EventKind,
    Kind,
    Phase,
    Reading,
    Rule,
    Sighting,
    Standing,
    State,
    Watched,
)
from sipd_core.alerts.rules import CALM_LOOKS, Facts, TurnFact, checked, measure, step
from sipd_core.errors import AlertError
from tests.alerts.conftest import NOON

NOTHING = Facts(NOON, (), Decimal(0), Decimal(0), None, None, False, (), None)
RATE = Rule(Kind.ERROR_RATE, True, 5, 15, 20)
DISK = Rule(Kind.DISK, True, 2)


def run(rule: Rule, readings: list[Reading]) -> list[EventKind | None]:
    """One look a minute."""
    standing: Standing | None = None
    told = []
    for minute, reading in enumerate(readings):
        standing, event = step(rule, reading, standing, NOON + timedelta(minutes=minute))
        told.append(event)
    return told


def rates(*values: float | None, turns: int = 100) -> list[Reading]:
    return [Reading(value, 0 if value is None else turns) for value in values]


def turn(
    minutes_ago: float = 1, *, failed: bool = False, ms: float | None = 100, cached: bool | None = None
) -> TurnFact:
    return TurnFact(NOON - timedelta(minutes=minutes_ago), failed, ms, cached)


def test_every_kind_has_a_measure_a_trait_and_a_default_that_is_allowed() -> None:
    assert set(TRAITS) == set(DEFAULTS) == set(Kind)
    for rule in DEFAULTS.values():
        assert checked(rule) is rule
        assert measure(rule, NOTHING).value is None


def test_the_window_decides_which_turns_count() -> None:
    turns = (turn(20, failed=True), turn(14, failed=True), turn(), turn(), turn())
    assert measure(RATE, replace(NOTHING, turns=turns)) == Reading(25.0, 4)


def test_p95_is_of_the_answers_that_came() -> None:
    turns = [turn(ms=n * 1_000) for n in range(1, 101)] + [turn(failed=True, ms=None)] * 50
    assert measure(Rule(Kind.SLOW, True, 5), replace(NOTHING, turns=turns)) == Reading(95.0, 100)


def test_the_cache_is_held_against_questions_that_were_searched() -> None:
    turns = [turn(cached=True), turn(cached=False), turn(cached=None), turn(cached=True), turn(cached=True)]
    assert measure(DEFAULTS[Kind.CACHE_HITS], replace(NOTHING, turns=turns)) == Reading(75.0, 4)


def test_budgets_are_shares_and_none_without_a_budget() -> None:
    facts = replace(NOTHING, spent_today=Decimal("0.9"), daily_budget=Decimal(1), spent_month=Decimal(5))
    assert measure(DEFAULTS[Kind.DAILY_BUDGET], facts).value == 90.0
    unset = measure(DEFAULTS[Kind.MONTHLY_BUDGET], facts)
    assert unset.value is None
    assert "belum diatur" in unset.detail
    assert measure(DEFAULTS[Kind.DAILY_BUDGET], replace(facts, daily_budget=Decimal(0))).value == 100.0


def sighting(minutes_ago: float = 0, **known: object) -> Sighting:
    seen = Sighting("p", NOON - timedelta(minutes=minutes_ago), "", None, None, None)
    return replace(seen, **known)  # type: ignore[arg-type]


def test_the_provider_is_away_when_any_process_says_so_and_is_alive() -> None:
    away = {"trouble": "kunci ditolak", "trouble_since": NOON - timedelta(minutes=7)}
    rule = DEFAULTS[Kind.PROVIDER]
    facts = replace(NOTHING, hosted=True, sightings=(sighting(), sighting(1, **away)))
    assert measure(rule, facts) == Reading(7.0, detail="kunci ditolak")
    assert measure(rule, replace(facts, sightings=(sighting(), sighting(4, **away)))).value == 0.0
    assert measure(rule, replace(facts, sightings=(sighting(4, **away),))).value is None
    assert measure(rule, replace(facts, hosted=False)).value is None


def test_the_fullest_disk_and_the_newest_backup_count() -> None:
    seen = (
        sighting(free_bytes=9 * 10**9, saved_at=NOON - timedelta(days=5)),
        sighting(free_bytes=15 * 10**8, saved_at=NOON - timedelta(days=3)),
    )
    facts = replace(NOTHING, sightings=seen, first_content=NOON - timedelta(days=90))
    assert measure(DISK, facts).value == 1.5
    assert measure(DEFAULTS[Kind.BACKUP], facts).value == 3.0
    assert measure(DEFAULTS[Kind.BACKUP], replace(facts, catching_up=True)).value is None
    saved = replace(facts, sightings=(sighting(saved_at=NOON - timedelta(days=1)),), catching_up=True)
    assert measure(DEFAULTS[Kind.BACKUP], saved).value == 1.0, "a figure that is good need not wait"
    never = replace(facts, sightings=(sighting(),))
    assert measure(DEFAULTS[Kind.BACKUP], never).value == 90.0
    assert measure(DEFAULTS[Kind.BACKUP], replace(never, first_content=None)).value is None
    assert measure(DEFAULTS[Kind.BACKUP], replace(never, sightings=())).value is None


def test_an_alarm_begins_at_the_threshold_and_at_once() -> None:
    assert run(RATE, rates(4.9, 5.0)) == [None, EventKind.FIRED]
    assert run(RATE, rates(5.0)) == [EventKind.FIRED]
    assert run(DISK, [Reading(2.0), Reading(1.99)]) == [None, EventKind.FIRED]


def test_it_ends_only_by_a_margin_and_after_some_good_looks() -> None:
    ends = [None] * (CALM_LOOKS - 1) + [EventKind.RECOVERED]
    assert run(RATE, rates(9, 4.6, 4.6, 4.6, 4.6, 4.4, 4.4, 4.4)) == [EventKind.FIRED, *[None] * 4, *ends]
    assert run(RATE, rates(9, 1, 1, 4.6, 1, 1, 1)) == [EventKind.FIRED, None, None, None, *ends]
    assert run(DISK, [Reading(v) for v in (1.0, 2.1, 2.1, 2.1, 2.3, 2.3, 2.3)]) == [EventKind.FIRED, *[None] * 3, *ends]


def test_a_figure_that_trembles_around_the_threshold_gives_one_alarm() -> None:
    told = run(RATE, rates(*[5.2, 4.8] * 100))
    assert [event for event in told if event] == [EventKind.FIRED]


def test_missing_figures_are_told_and_leave_an_incident_open() -> None:
    told = run(RATE, rates(9, None, None, 9, None, 1, 1, 1, None, 1))
    fired, lost = EventKind.FIRED, EventKind.NO_DATA
    assert told == [fired, lost, None, fired, lost, None, None, EventKind.RECOVERED, lost, EventKind.DATA]


def test_nothing_is_told_of_a_first_look_at_a_quiet_desk() -> None:
    assert run(RATE, rates(None, None)) == [None, None]
    assert run(RATE, rates(1.0, 1.0)) == [None, None]


def test_too_few_turns_say_nothing_and_half_are_enough_to_go_on() -> None:
    few = [Reading(100.0, turns) for turns in (19, 20, 10, 19, 9, 19, 20)]
    fired, lost = EventKind.FIRED, EventKind.NO_DATA
    assert run(RATE, few) == [None, fired, None, None, lost, None, fired]


def test_people_are_told_in_one_word() -> None:
    def phase(*values: float | None, rule: Rule = RATE) -> Phase:
        standing: Standing | None = None
        for reading in rates(*values):
            standing, _ = step(rule, reading, standing, NOON)
        return Watched(rule, standing).phase

    assert (phase(9), phase(9, None), phase(9, 1), phase(1)) == (Phase.FIRING, Phase.LOST, Phase.CALMING, Phase.OK)
    assert (phase(None), phase(), phase(rule=replace(RATE, enabled=False))) == (Phase.NO_DATA, Phase.UNSEEN, Phase.OFF)


def test_since_is_when_the_state_began() -> None:
    first, _ = step(RATE, Reading(9, 50), None, NOON)
    later, _ = step(RATE, Reading(8, 50), first, NOON + timedelta(minutes=9))
    assert (later.state, later.since, later.looked_at) == (State.FIRING, NOON, NOON + timedelta(minutes=9))


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        (replace(RATE, threshold=0.05), "antara 0,10 dan 100 persen"),
        (replace(RATE, threshold=float("nan")), "antara 0,10 dan 100 persen"),
        (replace(RATE, window_minutes=0), "antara 1 dan 1.440 menit"),
        (replace(RATE, min_turns=0), "antara 1 dan 10.000"),
        (replace(DISK, threshold=0), "GB"),
        (Rule(Kind.BACKUP, True, 366), "hari"),
    ],
)
def test_a_rule_that_makes_no_sense_says_what_is_allowed(rule: Rule, allowed: str) -> None:
    with pytest.raises(AlertError) as caught:
        checked(rule)
    assert allowed in caught.value.user_text


def test_the_windows_of_a_kind_without_turns_do_not_matter() -> None:
    assert checked(replace(DISK, window_minutes=0, min_turns=0))
