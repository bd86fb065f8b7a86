"""A month against its invoice: each cause has the amount that a person would reckon by hand, no call counts twice."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from sipd_core.prices import Price
from sipd_core.spending.reconciling import Cause, Reconciliation, reconcile
from sipd_core.store.entries import Entry
from sipd_core.store.invoices import Invoice
from sipd_core.store.reckoning import BookedUse
from sipd_core.usage import Outcome, Usage

MONTH, DAY = date(2026, 11, 1), date(2026, 11, 12)
PRICE = Price(Decimal(1), Decimal("0.5"), Decimal(2))
DEAR = Price(Decimal(10), Decimal(10), Decimal(30))
FREE = Price(Decimal(0), Decimal(0), Decimal(0))
MILLION = Usage(1_000_000, 500_000, cached=200_000)
COST = Decimal("1.9")
"""Of MILLION at PRICE."""
SOUND = BookedUse("m", DAY, Outcome.OK, False, True, True, True, 10, MILLION, COST)


def held(*uses: BookedUse, invoice: str | None = None, prices: dict[str, Price] | None = None) -> Reconciliation:
    table = {"m": PRICE, "mahal": DEAR, "lokal": FREE} if prices is None else prices
    typed = None
    if invoice is not None:
        typed = Entry(1, datetime(2026, 12, 2, tzinfo=UTC), "Sari", "", Invoice(MONTH, Decimal(invoice)), None, None)
    return reconcile(MONTH, typed, uses, lambda model, _: table.get(model), lambda _: table.values())


def causes(found: Reconciliation) -> dict[str, tuple[int, Decimal, Decimal]]:
    return {cause.name: (cause.calls, cause.low, cause.high) for cause in found.causes}


def test_sound_books_and_an_equal_invoice_leave_nothing() -> None:
    found = held(SOUND, invoice="1.9")
    assert (found.booked, found.by_utc, found.calls, found.difference) == (COST, COST, 10, 0)
    assert found.causes == () and found.unexplained == 0


def test_without_an_invoice_there_is_no_difference_but_there_are_causes() -> None:
    found = held(replace(SOUND, estimated=True))
    assert found.difference is None and found.unexplained is None
    assert causes(found) == {"estimated": (10, -COST, COST)}


@pytest.mark.parametrize(
    ("outcome", "name", "low", "high"),
    [
        (Outcome.INTERRUPTED, "interrupted", -COST, 0),
        (Outcome.FAILED, "failed", -COST, 0),
        (Outcome.STOPPED, "stopped", -COST, COST),
        (Outcome.BROKEN, "broken", -COST, COST),
    ],
)
def test_how_a_call_ended_comes_before_whether_it_was_estimated(
    outcome: Outcome, name: str, low: Decimal, high: Decimal
) -> None:
    found = held(SOUND, replace(SOUND, outcome=outcome, estimated=True, calls=3))
    assert causes(found) == {name: (3, low, high)}


def test_an_unknown_price_lies_between_the_cheapest_and_the_dearest_paid_one() -> None:
    unknown = replace(SOUND, model="baru", known=False, cost_usd=Decimal(0), calls=2)
    found = held(SOUND, unknown)
    assert causes(found) == {"unknown": (2, COST, DEAR.cost(MILLION))}
    known_by_now = held(unknown, prices={"baru": DEAR, "m": PRICE})
    assert causes(known_by_now) == {"unknown": (2, DEAR.cost(MILLION), DEAR.cost(MILLION))}
    assert causes(held(unknown, prices={})) == {"unknown": (2, Decimal(0), Decimal(0))}, "nothing to go by, yet said"


def test_a_price_corrected_after_booking_explains_exactly_its_difference() -> None:
    found = held(replace(SOUND, cost_usd=Decimal("0.7")), invoice="1.9")
    assert causes(found) == {"prices": (10, Decimal(0), Decimal("1.2"))}
    assert found.difference == Decimal("1.2") and found.unexplained == 0


def test_calls_at_the_months_edge_count_in_one_of_the_two_months() -> None:
    early = replace(SOUND, in_utc=False, calls=1)
    late = replace(SOUND, day=date(2026, 12, 1), in_jakarta=False, calls=4, usage=Usage(3_000_000), cost_usd=Decimal(3))
    found = held(SOUND, early, late)
    assert (found.booked, found.by_utc) == (2 * COST, COST + 3)
    assert causes(found) == {"boundary": (5, Decimal(0), 3 - COST)}


def test_what_no_cause_explains_is_left_over() -> None:
    stopped = replace(SOUND, outcome=Outcome.STOPPED)
    assert held(SOUND, stopped, invoice="6").unexplained == 6 - 3 * COST
    assert held(SOUND, stopped, invoice="1").unexplained == 1 - COST
    assert held(SOUND, stopped, invoice="4").unexplained == 0
    assert held(stopped, invoice="0").unexplained == 0


def test_free_work_is_no_cause_and_the_widest_comes_first() -> None:
    free = replace(SOUND, model="lokal", estimated=True, cost_usd=Decimal(0))
    small = replace(SOUND, outcome=Outcome.FAILED, usage=Usage(1), cost_usd=Decimal("0.000001"))
    found = held(free, small, replace(SOUND, estimated=True))
    assert [cause.name for cause in found.causes] == ["estimated", "failed"]
    assert isinstance(found.causes[0], Cause)


def test_a_call_of_unknown_price_stands_under_that_cause_alone() -> None:
    unknown = replace(SOUND, model="baru", known=False, estimated=True, outcome=Outcome.STOPPED, cost_usd=Decimal(0))
    found = held(unknown, replace(SOUND, outcome=Outcome.STOPPED, calls=3))
    assert {name: calls for name, (calls, _, _) in causes(found).items()} == {"unknown": 10, "stopped": 3}


def test_the_books_are_told_by_model_the_dearest_first() -> None:
    unknown = replace(SOUND, model="mahal", known=False, calls=3, cost_usd=Decimal(0))
    guessed = replace(SOUND, day=date(2026, 11, 13), calls=2, estimated=True)
    elsewhere = replace(SOUND, in_jakarta=False)
    mine, other = held(SOUND, guessed, unknown, elsewhere).models
    assert (mine.model, mine.calls, mine.booked, mine.unknown_calls) == ("m", 12, 2 * COST, 0)
    assert mine.usage == Usage(2_000_000, 1_000_000, cached=400_000, estimated=True)
    assert (other.model, other.calls, other.booked, other.unknown_calls) == ("mahal", 3, Decimal(0), 3)
