"""The figures of the cost page from totals: sums in two currencies, projection, savings, budgets. Unknown stays unknown."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from sipd_core.periods import Period
from sipd_core.prices import Price
from sipd_core.rates import DatedRate, RateTable
from sipd_core.spending.report import Gauge, Level, Money, money, project, tokens
from sipd_core.spending.savings import savings
from sipd_core.store.reckoning import TurnCounts
from sipd_core.usage import UsageTotal

TODAY = date(2026, 11, 22)
RATES = RateTable(Decimal(16_000), (DatedRate(date(2026, 11, 20), Decimal(17_000)),))
NOTHING = TurnCounts(0, 0, 0, 0)


def total(days_ago: int = 0, usd: str = "1", **changes: object) -> UsageTotal:
    made = UsageTotal(
        TODAY - timedelta(days=days_ago), "chat", "m", 2, 30, Decimal(usd), 0, prompt_tokens=20, completion_tokens=10
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_each_day_is_turned_into_rupiah_at_its_own_rate() -> None:
    found = money([total(0), total(2), total(3, "2")], RATES)
    assert (found.usd, found.idr, found.calls) == (4, 17_000 * 2 + 16_000 * 2, 6)


def test_a_sum_without_any_price_is_no_sum_and_one_with_some_is() -> None:
    unknown = total(usd="0", unknown_price_calls=2)
    assert not money([unknown], RATES).is_known
    assert money([unknown, total()], RATES).is_known and money([], RATES).is_known
    assert money([unknown], RATES).each(3) is None and money([total()], RATES).each(0) is None
    assert money([total()], RATES).each(4) == Money(Decimal("0.25"), Decimal(4_250), 2, 0)


def test_tokens_are_summed_by_kind() -> None:
    found = tokens([total(cached_tokens=5), total(1)])
    assert (found.prompt, found.cached, found.completion) == (40, 5, 20)
    assert tokens([]).prompt == 0


def test_the_projection_is_its_formula() -> None:
    days = [total(ago, "3") for ago in range(1, 30)] + [total(0, "1")]
    found = project(days, RATES, TODAY, TODAY - timedelta(days=60))
    assert found is not None
    assert (found.window, found.days_left, found.average.usd) == (14, 8, 3)
    assert found.usd == 21 * 3 + 3 + 3 * 8, "today is at least an average day"
    busy = project([*days, total(0, "9", operation="x")], RATES, TODAY, TODAY - timedelta(days=60))
    assert busy is not None and busy.usd == 21 * 3 + 10 + 3 * 8
    assert found.idr == found.past.idr + 27 * 17_000


def test_quiet_days_count_and_young_books_foretell_nothing() -> None:
    found = project([total(4, "6")], RATES, TODAY, TODAY - timedelta(days=6))
    assert found is not None and (found.window, found.average.usd) == (6, 1)
    assert project([total(2, "6")], RATES, TODAY, TODAY - timedelta(days=2)) is None
    assert project([], RATES, TODAY, None) is None
    unknown = [total(ago, "0", unknown_price_calls=2) for ago in range(10)]
    assert project(unknown, RATES, TODAY, TODAY - timedelta(days=9)) is None


def test_the_projection_at_the_ends_of_a_month() -> None:
    first = date(2026, 11, 1)
    days = [replace(total(), day=first - timedelta(days=n), cost_usd=Decimal(2)) for n in range(15)]
    found = project(days, RATES, first, date(2026, 1, 1))
    assert found is not None and (found.past.usd, found.usd) == (0, 2 + 2 * 29)
    last = project(days, RATES, date(2026, 10, 31), date(2026, 1, 1))
    assert last is not None and last.days_left == 0


def test_gauges_warn_from_four_fifths_and_beyond_the_budget() -> None:
    def level(spent: str, budget: str) -> Level:
        return Gauge("daily", Money(Decimal(spent), Decimal(0), 1, 0), Decimal(budget)).level

    assert [level(spent, "10") for spent in ("0", "7.99", "8", "10", "10.01")] == [
        Level.FINE, Level.FINE, Level.NEAR, Level.NEAR, Level.OVER,
    ]  # fmt: skip
    assert (level("0", "0"), level("0.1", "0")) == (Level.NEAR, Level.OVER)
    month = Gauge("monthly", Money(Decimal(5), Decimal(0), 1, 0), Decimal(10), Decimal("10.5"))
    assert month.will_be_over and month.level is Level.FINE


def test_what_the_provider_kept_is_worth_the_difference_of_its_prices() -> None:
    price = Price(Decimal(2), Decimal("0.5"), Decimal(9))
    read = [total(cached_tokens=1_000_000), total(1, cached_tokens=500_000), total(2, model="lain", cached_tokens=7)]
    saving = savings(read, NOTHING, lambda model, _: price if model == "m" else None)[0]
    assert (saving.name, saving.usd, saving.count, saving.unpriced) == ("provider", Decimal("2.25"), 1_500_007, 7)
    assert saving.each == Decimal("0.0000015")


def test_a_saving_of_unknown_price_is_unknown_and_no_saving_is_zero() -> None:
    found = savings([total(cached_tokens=5)], TurnCounts(3, 2, 0, 1), lambda *_: None)
    assert [saving.usd for saving in found[:2]] == [None, None]
    assert [saving.usd for saving in savings([total()], NOTHING, lambda *_: None)] == [0, 0, 0]


def test_what_is_kept_here_saves_what_one_more_would_have_cost_on_average() -> None:
    read = [
        total(usd="0.9", calls=4, failed_calls=1),
        total(usd="0.5", unknown_price_calls=1),
        total(usd="0.06", operation="query_embedding", calls=2, texts=6),
    ]
    _, embedding, answer = savings(read, TurnCounts(40, 25, 6, 10), lambda *_: None)
    assert (embedding.each, embedding.usd) == (Decimal("0.01"), Decimal("0.25"))
    assert (answer.each, answer.usd) == (Decimal("0.3"), Decimal(3))


def test_a_period_is_charted_day_by_day_with_gaps() -> None:
    from sipd_core.spending.report import daily

    report = type(
        "Report",
        (),
        {"period": Period(TODAY - timedelta(days=3), TODAY), "totals": (total(0), total(2), total(2, "5", model="n"))},
    )
    assert daily(report, lambda t: t.model, lambda t: t.cost_usd) == {  # type: ignore[arg-type]
        "m": (None, 1, None, 1),
        "n": (None, 5, None, 0),
    }
