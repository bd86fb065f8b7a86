import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.shell import charts, costs
from sipd_core.blocking import BlockingEngine
from sipd_core.errors import StoreLockedError
from sipd_core.texts import text
from sipd_core.usage import CallRecord, CostReport, Outcome, Usage, UsageTotal, jakarta_day
from tests.ui.console import Opener, shown

DAY = date(2026, 11, 22)
CHAT = UsageTotal(
    DAY,
    "chat",
    "model-x",
    4,
    1_234_567,
    Decimal("0.5"),
    1,
    prompt_tokens=1_000_000,
    cached_tokens=1_024,
    completion_tokens=234_567,
    estimated_calls=2,
    failed_calls=3,
    retries=5,
)
PAID = CostReport(
    period_days=7,
    totals=(CHAT,),
    today_usd=Decimal("0.5"),
    month_usd=Decimal(2),
    total_cost=Decimal("0.5"),
    total_tokens=1_234_567,
    unknown_price_calls=1,
    by_operation={"chat": Decimal("0.5")},
    by_model={"model-x": Decimal("0.5")},
    daily_budget_usd=Decimal("0.4"),
    monthly_budget_usd=None,
    usd_idr=Decimal(16_500),
    unknown_price_today=0,
    unknown_price_month=1,
)
LOCAL = replace(CHAT, operation="index_embedding", model="lokal", cost_usd=Decimal(0), unknown_price_calls=0)
UNKNOWN = replace(CHAT, model="model-y", cost_usd=Decimal(0), unknown_price_calls=4, estimated_calls=0)


def cells(app: AppTest) -> list[dict[str, str]]:
    """The lines of the table, by the Indonesian names of its columns."""
    return [
        {str(name): str(value) for name, value in line.items()} for line in app.dataframe[0].value.to_dict("records")
    ]


def with_totals(monkeypatch: pytest.MonkeyPatch, engine: BlockingEngine, *totals: UsageTotal) -> None:
    monkeypatch.setattr(engine, "costs", lambda _days: replace(PAID, totals=totals))


def read_back(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_before_any_use_it_costs_nothing_and_says_so(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("biaya")
    assert not app.exception
    assert text("cost.free") in shown(app)
    assert app.metric[0].value == "US$ 0,00"


def test_local_use_is_shown_in_tokens_and_still_free(engine: BlockingEngine, open_page: Opener) -> None:
    engine.ask("SP2D belum cair", engine.new_session_id())
    app = open_page("biaya")
    assert not app.exception
    assert text("cost.free") in shown(app)
    assert len(app.get("plotly_chart")) == 1
    assert app.metric[3].value != "0"


def test_paid_use_is_shown_in_both_currencies_with_its_budget(
    engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "costs", lambda _days: PAID)
    app = open_page("biaya")
    assert not app.exception
    assert text("cost.free") not in shown(app)
    assert (app.metric[0].value, app.metric[0].delta) == ("US$ 0,50", "Rp 8.250")
    assert app.metric[3].value == "1.234.567"
    assert [metric.value for metric in app.metric[1:3]] == ["≥ US$ 2,00", "≥ US$ 0,50"]
    assert [caption.value for caption in app.caption].count(text("cost.unknown.left_out", n=1)) == 2
    assert text("cost.unknown.note", n=1) in shown(app)
    assert text("cost.budget.over") in app.get("progress")[0].proto.text
    assert len(app.get("plotly_chart")) == 2


def test_a_line_tells_kinds_of_tokens_estimates_failures_and_retries(
    engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_totals(monkeypatch, engine, CHAT)
    app = open_page("biaya")
    assert not app.exception
    assert cells(app) == [
        {
            "Hari": "22 Nov",
            "Kegiatan": "Penyusunan jawaban",
            "Model": "model-x",
            "Biaya": "US$ 0,50, 1 panggilan tanpa harga",
            "Panggilan": "4",
            "Masuk": "≈ 1.000.000",
            "Cache": "1.024",
            "Keluar": "≈ 234.567",
            "Gagal": "3",
            "Ulang": "5",
        }
    ]
    assert text("cost.table.estimates", n=2) in shown(app)


def test_an_unknown_price_is_never_a_zero_and_local_work_reads_as_free(
    engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = replace(CHAT, model="ditolak", tokens=0, cost_usd=Decimal(0), unknown_price_calls=0)
    with_totals(monkeypatch, engine, UNKNOWN, LOCAL, refused)
    app = open_page("biaya")
    assert not app.exception
    assert [line["Biaya"] for line in cells(app)] == ["harga tidak diketahui", "gratis", "US$ 0,00"]


def test_a_month_of_unknown_prices_alone_shows_no_sum(
    engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: dict[str, Any] = {
        "today_usd": Decimal(0),
        "month_usd": Decimal(0),
        "total_cost": Decimal(0),
        "unknown_price_today": 4,
    }
    unknown = replace(PAID, totals=(UNKNOWN,), **nothing)
    monkeypatch.setattr(engine, "costs", lambda _days: unknown)
    app = open_page("biaya")
    assert not app.exception
    assert text("cost.free") not in shown(app)
    assert [(metric.value, metric.delta) for metric in app.metric[:3]] == [("—", "—")] * 3
    assert text("cost.unknown.left_out", n=4) in app.get("progress")[0].proto.text


def test_a_budget_of_nothing_is_a_budget(
    engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "costs", lambda _days: replace(PAID, monthly_budget_usd=Decimal(0)))
    app = open_page("biaya")
    assert not app.exception
    assert len(app.get("progress")) == 2


def test_both_files_are_offered(engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    with_totals(monkeypatch, engine, CHAT)
    app = open_page("biaya")
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == [text("cost.table.download"), text("cost.table.download_calls")]


def test_a_kind_without_money_keeps_its_colour_but_not_its_name_in_the_chart_of_money() -> None:
    figure = charts.daily_bars([LOCAL, CHAT], lambda t: float(t.cost_usd), "cost.chart.hover_cost", "US$")
    assert [(bar.name, bar.showlegend) for bar in figure.data] == [
        ("Vektor basis pengetahuan", False),
        ("Penyusunan jawaban", True),
    ]


def test_every_figure_of_a_call_can_be_computed_from_its_line() -> None:
    at = datetime(2026, 11, 21, 17, 0, 0, 250_000, tzinfo=UTC)
    known = CallRecord(
        at,
        "chat",
        "model-x",
        Usage(1_000, 20, 300, estimated=True),
        1,
        81.46,
        Decimal("0.000000105"),
        conversation="c1",
        retries=2,
        outcome=Outcome.STOPPED,
        request_id="=cmd",
    )
    lines = read_back(costs.calls_csv([known, replace(known, cost_usd=None, conversation=None)]))
    assert tuple(lines[0]) == costs.CALL_COLUMNS
    assert lines[0] | {"time": ""} == {
        "time": "",
        "operation": "chat",
        "model": "model-x",
        "texts": "1",
        "prompt_tokens": "1000",
        "cached_tokens": "300",
        "completion_tokens": "20",
        "estimated": "1",
        "cost_usd": "0.000000105",
        "latency_ms": "81.5",
        "retries": "2",
        "outcome": "stopped",
        "conversation": "c1",
        "request_id": "'=cmd",
    }
    assert datetime.fromisoformat(lines[0]["time"]) == at
    assert lines[0]["time"].startswith(jakarta_day(at).isoformat()), "a line says the day it is booked on"
    assert (lines[1]["cost_usd"], lines[1]["conversation"]) == ("", "")


def test_an_error_is_told(engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> None:
        raise StoreLockedError

    monkeypatch.setattr(engine, "costs", locked)
    app = open_page("biaya")
    assert not app.exception
    assert app.error[0].value.startswith("Penyimpanan data sedang terkunci")
