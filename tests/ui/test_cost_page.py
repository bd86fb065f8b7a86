from datetime import date
from decimal import Decimal

import pytest

from sipd_core.blocking import BlockingEngine
from sipd_core.errors import StoreLockedError
from sipd_core.texts import text
from sipd_core.usage import CostReport, UsageTotal
from tests.ui.console import Opener, shown

PAID = CostReport(
    period_days=7,
    totals=(UsageTotal(date(2026, 11, 22), "chat", "model-x", 3, 1_234_567, Decimal("0.5"), 1),),
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
)


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
    assert text("cost.unknown.note", n=1) in shown(app)
    assert text("cost.budget.over") in app.get("progress")[0].proto.text
    assert len(app.get("plotly_chart")) == 2


def test_an_error_is_told(engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> None:
        raise StoreLockedError

    monkeypatch.setattr(engine, "costs", locked)
    app = open_page("biaya")
    assert not app.exception
    assert app.error[0].value.startswith("Penyimpanan data sedang terkunci")
