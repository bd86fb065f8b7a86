"""Prices and rates that people change: in force at once, what is booked stays, unknown prices can be made up for."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from sipd_core.errors import SpendingError
from sipd_core.prices import DatedPrice, Price
from sipd_core.rates import DatedRate
from sipd_core.settings import SHIPPED_DATA, Settings
from sipd_core.spending.tariffs import Tariffs
from sipd_core.store.database import Database
from sipd_core.store.ledger import CostTracker
from sipd_core.store.schema import usage
from sipd_core.usage import CallRecord, Outcome, Usage

NOON = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
PRICES = SHIPPED_DATA / "prices.csv"
MODEL = "Qwen/Qwen3-Embedding-8B"


@pytest.fixture
def tariffs(database: Database) -> Tariffs:
    return Tariffs(database, PRICES, None, Decimal(16_500), NOON.timestamp)


@pytest.fixture
def books(database: Database) -> CostTracker:
    return CostTracker(database, usd_idr=Decimal(16_500), clock=NOON.timestamp)


def dated(
    model: str = "baru/model", day: date = TODAY, prompt: str = "1", cached: str = "0.5", out: str = "2"
) -> DatedPrice:
    return DatedPrice(model, day, Price(Decimal(prompt), Decimal(cached), Decimal(out)))


def unknown(model: str = "baru/model", days_ago: int = 0, **changes: Any) -> CallRecord:
    call = CallRecord(NOON - timedelta(days=days_ago), "chat", model, Usage(1_000, 100, cached=400), 1, 5.0, None)
    return replace(call, **changes)


def test_an_entered_price_counts_at_once_from_its_day_on(tariffs: Tariffs) -> None:
    assert tariffs.prices.price("baru/model", TODAY) is None
    tariffs.set_price(dated(), actor="Sari", note="dari penyedia")
    assert tariffs.prices.price("baru/model", TODAY) == Price(Decimal(1), Decimal("0.5"), Decimal(2))
    assert tariffs.prices.price("baru/model", TODAY - timedelta(days=1)) is None


def test_an_entered_price_wins_over_the_file_and_its_undo_brings_the_file_back(tariffs: Tariffs) -> None:
    filed = tariffs.prices.price(MODEL, TODAY)
    made = tariffs.set_price(dated(MODEL, date(2026, 9, 1)), actor="Sari")
    assert tariffs.prices.price(MODEL, TODAY) == dated().price
    shown = {line.dated.model: line.entered for line in tariffs.listed()}
    assert shown[MODEL] and not shown["openai/gpt-oss-120b"]
    tariffs.undo_price(made.seq, actor="Budi")
    assert tariffs.prices.price(MODEL, TODAY) == filed
    assert not any(line.entered for line in tariffs.listed())
    assert [entry.actor for entry in tariffs.price_history()] == ["Budi", "Sari"]


def test_entered_prices_survive_a_restart_to_the_last_digit(tariffs: Tariffs, database: Database) -> None:
    finest = dated(prompt="0.000003", cached="0.000001", out="999999.999999")
    tariffs.set_price(finest, actor="Sari")
    again = Tariffs(database, PRICES, None, Decimal(1))
    assert again.prices.price("baru/model", TODAY) == finest.price


def test_an_edited_file_is_still_followed_below_what_was_entered(database: Database, tmp_path: Path) -> None:
    own = tmp_path / "prices.csv"
    own.write_text("model,valid_from,prompt,cached,completion\na,2026-01-01,1,,\n", encoding="utf-8")
    tariffs = Tariffs(database, PRICES, own, Decimal(1), NOON.timestamp)
    tariffs.set_price(dated("b"), actor="Sari")
    own.write_text("model,valid_from,prompt,cached,completion\na,2026-01-01,33,,\n", encoding="utf-8")
    prices = tariffs.prices.on(TODAY)
    assert (prices["a"].prompt, prices["b"].prompt) == (33, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        dated(""),
        dated(" spasi"),
        dated("=1+1"),
        dated("-m"),
        dated("baris\nbaru"),
        dated("m" * 121),
        dated(day=date(2019, 12, 31)),
        dated(day=TODAY + timedelta(days=367)),
        dated(prompt="-1"),
        dated(prompt="1000001"),
        dated(prompt="NaN"),
        dated(prompt="0.0000001"),
        dated(cached="1.1"),
    ],
)
def test_what_is_no_price_is_refused_in_words(tariffs: Tariffs, wrong: DatedPrice) -> None:
    with pytest.raises(SpendingError) as caught:
        tariffs.set_price(wrong, actor="Sari")
    assert caught.value.user_text.endswith(".") and tariffs.price_history() == ()


def test_the_environments_rate_holds_until_a_dated_one(tariffs: Tariffs) -> None:
    tariffs.set_rate(DatedRate(date(2026, 11, 10), Decimal("16750.25")), actor="Sari", note="JISDOR")
    made = tariffs.set_rate(DatedRate(TODAY, Decimal(17_000)), actor="Sari")
    rates = tariffs.rates()
    assert [rates.on(date(2026, 11, day)) for day in (9, 10, 21, 22)] == [
        16_500,
        Decimal("16750.25"),
        Decimal("16750.25"),
        17_000,
    ]
    tariffs.undo_rate(made.seq, actor="Budi")
    assert tariffs.rate_today() == Decimal("16750.25")


@pytest.mark.parametrize("wrong", ["0", "-5", "16.5", "16500000", "NaN", "Infinity"])
def test_what_is_no_rate_is_refused(tariffs: Tariffs, wrong: str) -> None:
    with pytest.raises(SpendingError):
        tariffs.set_rate(DatedRate(TODAY, Decimal(wrong)), actor="Sari")


def test_booked_calls_keep_their_price_and_unknown_ones_get_that_of_their_day(
    tariffs: Tariffs, books: CostTracker
) -> None:
    books.record(unknown(days_ago=2))
    books.record(unknown(days_ago=1))
    books.record(unknown(cost_usd=Decimal(7)))
    books.record(unknown("lain/model"))
    tariffs.set_price(dated(day=TODAY - timedelta(days=30), prompt="1", cached="0.5", out="2"), actor="Sari")
    tariffs.set_price(dated(day=TODAY - timedelta(days=1), prompt="10", cached="10", out="20"), actor="Sari")
    waiting = tariffs.unpriced()
    assert waiting.calls == 3
    assert {(line.calls, line.cost_usd) for line in waiting.priceable} == {(1, Decimal("0.001")), (1, Decimal("0.012"))}
    assert [(use.model, use.calls, use.usage) for use in waiting.without] == [("lain/model", 1, Usage(1_000, 100, 400))]

    made = tariffs.price_calls(actor="Budi", note="harga menyusul")
    assert made.value is not None and (made.value.calls, made.value.cost_usd) == (2, Decimal("0.013"))
    assert sorted(call.cost_usd for call in books.calls(5) if call.cost_usd is not None) == [
        Decimal("0.001"),
        Decimal("0.012"),
        Decimal(7),
    ]
    assert [line.calls for line in tariffs.unpriced().priceable] == []
    (entry,) = tariffs.pricings()
    assert (entry.actor, entry.note, entry.value) == ("Budi", "harga menyusul", made.value)


def test_a_pricing_can_be_taken_back_once_and_done_again(tariffs: Tariffs, books: CostTracker) -> None:
    books.record(unknown())
    tariffs.set_price(dated(), actor="Sari")
    made = tariffs.price_calls(actor="Sari")
    undo = tariffs.undo_pricing(made.seq, actor="Budi")
    assert books.get_cost_breakdown(1).unknown_price_calls == 1
    for seq in (made.seq, undo.seq):
        with pytest.raises(SpendingError):
            tariffs.undo_pricing(seq, actor="Budi")
    again = tariffs.price_calls(actor="Sari")
    assert again.value == made.value
    assert [entry.undone_by for entry in tariffs.pricings()] == [None, None, undo.seq]


def test_nothing_to_price_is_said_and_leaves_nothing(tariffs: Tariffs, books: CostTracker) -> None:
    books.record(unknown())
    with pytest.raises(SpendingError) as caught:
        tariffs.price_calls(actor="Sari")
    assert "Tambahkan harga" in caught.value.user_text and tariffs.pricings() == ()


def test_a_call_under_way_is_left_alone(tariffs: Tariffs, books: CostTracker, database: Database) -> None:
    entry = books.open(unknown())
    books.record(unknown(outcome=Outcome.STOPPED))
    tariffs.set_price(dated(), actor="Sari")
    made = tariffs.price_calls(actor="Sari")
    assert made.value is not None and made.value.calls == 1
    books.settle(entry, unknown(usage=Usage(5)))
    with database.read() as connection:
        rows = connection.execute(select(usage.c.cost_pico_usd, usage.c.priced_by).order_by(usage.c.id)).all()
    assert [tuple(row) for row in rows] == [(None, None), (10**9, made.seq)]


def test_a_slow_call_that_was_priced_meanwhile_says_at_last_what_it_was(
    tariffs: Tariffs, books: CostTracker, database: Database
) -> None:
    slow = unknown(at=NOON - timedelta(hours=1))
    entry = books.open(slow)
    books.close_interrupted(60)
    tariffs.set_price(dated(), actor="Sari")
    made = tariffs.price_calls(actor="Sari")
    books.settle(entry, replace(slow, cost_usd=Decimal(3)))
    with pytest.raises(SpendingError):
        tariffs.undo_pricing(made.seq, actor="Sari")
    with database.read() as connection:
        row = connection.execute(select(usage.c.cost_pico_usd, usage.c.priced_by)).one()
    assert tuple(row) == (3 * 10**12, None), "its own price is not taken away with the pricing"


def test_pricing_many_calls_in_sql_is_exact_to_the_pico_dollar(tariffs: Tariffs, database: Database) -> None:
    draw = random.Random(11)
    price = Price(Decimal("0.137911"), Decimal("0.013"), Decimal("3.000001"))
    calls = [Usage(draw.randrange(10**6), draw.randrange(10**4), draw.randrange(10**6)) for _ in range(300)]
    base = {"at": NOON.timestamp(), "operation": "chat", "model": "baru/model", "texts": 1, "latency_ms": 1.0}
    rows = [
        base
        | {"day": f"2026-11-{draw.randrange(1, 22):02}", "prompt_tokens": u.prompt, "cached_tokens": u.cached}
        | {"completion_tokens": u.completion}
        for u in calls
    ]
    with database.write() as connection:
        connection.execute(insert(usage), rows)
    tariffs.set_price(DatedPrice("baru/model", date(2026, 11, 1), price), actor="Sari")
    foretold = tariffs.unpriced().priceable
    made = tariffs.price_calls(actor="Sari")
    assert made.value is not None
    assert made.value.cost_usd == sum(map(price.cost, calls)) == sum(line.cost_usd for line in foretold)
    assert made.value.lines == foretold and len(foretold) == 1


def test_without_a_provider_a_broken_table_does_not_stop_the_start(
    database: Database, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = settings.sipd_data_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prices.csv").write_text("rusak", encoding="utf-8")
    assert Tariffs.load(database, settings).prices.price(MODEL, TODAY) is not None
    assert "prices.csv" in caplog.text
