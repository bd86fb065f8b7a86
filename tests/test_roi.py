"""The formulas: the source document's table to the dollar, printed as they are computed, unknowns never turned to zero."""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pytest

from sipd_core.roi import SOURCE, Bound, Figure, Sign, Unit, payback, plain, swings, work_out


def whole(figure: Figure) -> int:
    assert figure.value is not None
    return int(figure.value.quantize(Decimal(1), ROUND_HALF_UP))


def show(figure: Figure) -> str:
    return f"{figure.name}={figure.value}" if figure.name else str(figure.value)


def test_the_table_of_the_source_document() -> None:
    found = work_out(SOURCE)
    assert (whole(found.ticket_savings), whole(found.time_savings)) == (127_750, 121_667)
    assert (whole(found.savings), whole(found.costs)) == (249_417, 3_600)
    assert found.roi.value is not None
    assert round(found.roi.value * 100) == 6_828, "the document prints 6,829"
    assert found.ticket_savings.unit is Unit.USD


def test_nothing_is_rounded_on_the_way() -> None:
    found = work_out(SOURCE)
    assert found.time_savings.value == Decimal(10) * 100 * 20 / 60 * 365
    assert found.savings.value == found.ticket_savings.value + found.time_savings.value  # type: ignore[operator]


def test_a_formula_prints_itself_with_its_numbers() -> None:
    found = work_out(SOURCE)
    assert found.ticket_savings.written(lambda f: str(f.value)) == "0.70 × 100 × 5 × 365"
    assert found.time_savings.written(lambda f: str(f.value)) == "10 × 100 × 20 ÷ 60 × 365"
    assert found.savings.written(lambda f: f.name) == "ticket_savings + time_savings"
    assert found.roi.written(lambda f: f.name) == "net ÷ costs"
    assert found.payback_days.written(lambda f: f.name) == "investment ÷ (earned ÷ days)"
    assert [part.name for part in found.time_savings.parts()] == [
        "minutes_per_user",
        "users_per_day",
        "wage_per_hour",
        "days",
    ]


def test_a_formula_with_brackets_says_what_it_computes() -> None:
    a, b, c, d = (Figure(name, Decimal(n)) for name, n in zip("abcd", (20, 2, 3, 4), strict=True))
    signs = {Sign.PLUS: "+", Sign.MINUS: "-", Sign.TIMES: "*", Sign.OVER: "/"}
    for figure in (a - (b - c), a - (b + c), a / (b * c), a / (b / c), (a + b) * c, a * (b - c) - d / b, a - b * c + d):
        written = figure.written(lambda f: f"Decimal({f.value})", signs)
        assert eval(written) == figure.value, written  # noqa: S307


@pytest.mark.parametrize(("automated", "tickets"), [("0", "100"), ("1", "0")])
def test_what_saves_nothing_comes_to_nothing(automated: str, tickets: str) -> None:
    found = work_out(replace(SOURCE, automated=Decimal(automated), tickets_per_day=Decimal(tickets)))
    assert found.ticket_savings.value == 0


def test_running_costs_count_as_costs() -> None:
    found = work_out(replace(SOURCE, running_per_month=Decimal(100)))
    assert found.costs.value == 3_600 + 1_200
    assert found.net.value == found.savings.value - 4_800  # type: ignore[operator]
    assert found.payback_days.value is not None and found.payback_days.value > work_out(SOURCE).payback_days.value  # type: ignore[operator]


def test_an_investment_comes_back_or_never_does() -> None:
    found = work_out(SOURCE).payback_days
    assert found.value is not None
    assert round(found.value, 2) == Decimal("5.27")
    for earned in (0, -5):
        assert payback(Figure("investment", Decimal(9)), Figure("net", Decimal(earned)), plain(7)).value is None


def test_without_an_investment_there_is_no_return_on_it() -> None:
    assert work_out(replace(SOURCE, investment=Decimal(0))).roi.value is None


def test_what_is_not_known_stays_unknown() -> None:
    known, unknown = Figure("a", Decimal(5)), Figure("b", None)
    for figure in (known + unknown, unknown - known, known * unknown, unknown / known):
        assert figure.value is None


def test_a_lower_bound_of_the_costs_is_an_upper_bound_of_the_net() -> None:
    costs = Figure("costs", Decimal(5), bound=Bound.AT_LEAST)
    saved = Figure("saved", Decimal(20))
    net = saved - costs
    assert (net.value, net.bound) == (15, Bound.AT_MOST)
    assert (net / Figure("days", Decimal(3))).bound is Bound.AT_MOST
    assert payback(Figure("investment", Decimal(9)), net, plain(3)).bound is Bound.AT_LEAST
    assert (net + costs).value is None, "at most and at least together say nothing"


def test_low_and_high_surround_what_is_expected() -> None:
    low, high = SOURCE.spread(Decimal("0.5"))
    assert (low.automated, high.automated) == (Decimal("0.35"), 1), "a share never exceeds the whole"
    assert low.cost_per_ticket == high.cost_per_ticket == 5
    nets = [work_out(each).net.value for each in (low, SOURCE, high)]
    assert nets == sorted(nets)  # type: ignore[type-var]


def test_the_supposition_that_matters_most_comes_first() -> None:
    low, high = SOURCE.spread(Decimal("0.2"))
    found = swings(low, SOURCE, replace(high, investment=Decimal(3_601)))
    assert {swing.name for swing in found} == {
        "tickets_per_day",
        "automated",
        "minutes_per_user",
        "users_per_day",
        "investment",
    }
    assert [swing.width for swing in found] == sorted((swing.width for swing in found), reverse=True)
    assert found[-1].name == "investment"
    tickets = next(swing for swing in found if swing.name == "tickets_per_day")
    assert tickets.width == Decimal("0.7") * 40 * 5 * 365
