"""The cost page over real books: what a manager reads, enters, takes back and compares."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from pages.shell import charts, costs_invoices, costs_prices, costs_state
from sipd_core.blocking import BlockingEngine
from sipd_core.errors import StoreLockedError
from sipd_core.prices import DatedPrice, Price
from sipd_core.spending.reconciling import Cause
from sipd_core.spending.room import Spending
from sipd_core.texts import text
from sipd_core.usage import CallRecord, Outcome, Usage, jakarta_day
from tests.ui.console import Opener, shown

NOW = datetime.now(UTC)
CALL = CallRecord(NOW, "chat", "model-x", Usage(1_000_000, 234_567, 1_024), 1, 5.0, Decimal("0.5"), "c1")
UNKNOWN = CallRecord(NOW, "chat", "model-baru", Usage(1_000_000), 1, 5.0, None)


def book(engine: BlockingEngine, *calls: CallRecord) -> None:
    for call in calls:
        engine._engine.ledger.record(call)


def at(app: AppTest, section: str) -> AppTest:
    """The same page at another section."""
    app.session_state[costs_state.SECTION] = section
    return app.run()


def press(app: AppTest, label: str) -> AppTest:
    """Press the first button with this label."""
    return next(button for button in app.button if button.label == label).click().run()


def fill(app: AppTest, **fields: str) -> AppTest:
    for key, value in fields.items():
        app.text_input(key=f"cost.{key.replace('_', '.')}").set_value(value)
    return app


def errors_by_form(app: AppTest) -> dict[str, int]:
    """How many errors stand in each form that has any; all there are."""
    found = {form.proto.form.form_id: len(form.error) for form in app.get("form") if len(form.error)}
    assert sum(found.values()) == len(app.error)
    return found


def test_before_any_use_it_says_so(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = open_page("biaya")
    assert not app.exception
    assert text("cost.empty") in shown(app)
    assert app.metric[0].value == "US$ 0,00"
    assert [app.metric[2].value, app.metric[2].delta] == ["—", "—"], "nothing is foretold"
    for section in ("detail", "tariffs", "invoices"):
        assert not at(app, section).exception, section


def test_local_use_is_shown_in_tokens_and_still_free(engine: BlockingEngine, open_page: Opener) -> None:
    engine.ask("SP2D tahap dua belum cair sejak kemarin sore", engine.new_session_id())
    app = open_page("biaya")
    assert not app.exception
    assert text("cost.free") in shown(app)
    at(app, "detail")
    assert not app.exception and app.metric[0].value != "0"


def test_paid_use_is_shown_in_both_currencies_and_what_is_unknown_apart(
    empty_engine: BlockingEngine, open_page: Opener
) -> None:
    book(empty_engine, CALL, UNKNOWN)
    app = open_page("biaya")
    assert not app.exception
    assert text("cost.free") not in shown(app)
    assert (app.metric[0].value, app.metric[0].delta) == ("≥ US$ 0,50", "≥ Rp 8.250")
    assert text("cost.unknown.left_out", n=1) in shown(app)
    press(app, text("cost.unknown.go"))
    assert app.session_state[costs_state.SECTION] == "tariffs"
    assert "model\\-baru" in shown(app)


def test_a_line_tells_kinds_of_tokens_estimates_failures_and_both_currencies(
    empty_engine: BlockingEngine, open_page: Opener
) -> None:
    guessed = Usage(1_000_000, 10, estimated=True)
    book(empty_engine, CALL, CallRecord(NOW, "chat", "model-x", guessed, 1, 5.0, None, outcome=Outcome.STOPPED))
    app = at(open_page("biaya"), "detail")
    assert not app.exception
    (line,) = app.dataframe[0].value.to_dict("records")
    assert {str(name): str(value) for name, value in line.items() if name != "Hari"} == {
        "Kegiatan": "Penyusunan jawaban",
        "Model": "model-x",
        "Biaya": "US$ 0,50, 1 panggilan tanpa harga",
        "Rupiah": "Rp 8.250",
        "Panggilan": "2",
        "Masuk": "≈ 2.000.000",
        "Cache": "1.024",
        "Keluar": "≈ 234.577",
        "Gagal": "1",
    }
    assert text("cost.table.estimates", n=1) in shown(app)
    labels = [button.proto.label for button in app.get("download_button")]
    wanted = [text(f"cost.file.{name}") for name in ("totals", "calls", "workbook", "json")]
    assert [label for label in labels if label in wanted] == wanted


def test_a_price_is_entered_corrected_and_taken_back(empty_engine: BlockingEngine, open_page: Opener) -> None:
    prices = empty_engine.spending.tariffs.prices
    app = at(open_page("biaya"), "tariffs")
    app.selectbox(key=costs_state.MODEL).set_value("openai/gpt-oss-120b")
    press(fill(app, price_prompt="0,2", price_completion="0,8", price_note="surat harga"), text("cost.price.save"))
    assert not app.exception
    today = jakarta_day(datetime.now(UTC))
    assert prices.price("openai/gpt-oss-120b", today) == Price(Decimal("0.2"), Decimal("0.2"), Decimal("0.8"))
    assert text("cost.price.entered") in app.dataframe[0].value["Asal"].to_list()
    assert "surat harga" in shown(app) and "US$ 0,80" in shown(app).replace("\\", "")
    assert app.text_input(key="cost.price.prompt").value == ""
    press(app, text("cost.entry.undo"))
    assert prices.price("openai/gpt-oss-120b", today) == Price(Decimal("0.15"), Decimal("0.15"), Decimal("0.60"))
    assert "~~" in shown(app)
    press(app, text("cost.entry.redo"))
    assert prices.price("openai/gpt-oss-120b", today).prompt == Decimal("0.2")  # type: ignore[union-attr]


def test_a_long_history_is_shown_whole_when_asked(empty_engine: BlockingEngine, open_page: Opener) -> None:
    today = jakarta_day(datetime.now(UTC))
    for n in range(costs_state.SHOWN + 2):
        empty_engine.spending.tariffs.set_price(DatedPrice(f"a/{n}", today, Price(*[Decimal(n)] * 3)), actor="uji")
    app = at(open_page("biaya"), "tariffs")
    assert "**a\\/2**" in shown(app) and "**a\\/1**" not in shown(app)
    app.checkbox(key="cost.price.all").check().run()
    assert "**a\\/0**" in shown(app)


def test_what_is_no_price_is_said_and_what_was_typed_stays(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = at(open_page("biaya"), "tariffs")
    press(fill(app, price_prompt="1"), text("cost.price.save"))
    assert app.error[0].value.startswith("Pilih atau ketik")
    app.selectbox(key=costs_state.MODEL).set_value("openai/gpt-oss-120b")
    press(fill(app, price_prompt="lima"), text("cost.price.save"))
    assert "sebagai angka" in app.error[0].value
    press(fill(app, price_prompt="1", price_cached="2"), text("cost.price.save"))
    assert "tidak boleh lebih tinggi" in app.error[0].value
    assert app.text_input(key="cost.price.cached").value == "2"
    assert empty_engine.spending.tariffs.price_history() == ()


def test_calls_of_unknown_price_are_priced_and_unpriced(empty_engine: BlockingEngine, open_page: Opener) -> None:
    book(empty_engine, UNKNOWN, UNKNOWN)
    app = at(open_page("biaya"), "tariffs")
    press(app, text("cost.pricing.fill"))
    assert app.selectbox(key=costs_state.MODEL).value == "model-baru"
    press(fill(app, price_prompt="3"), text("cost.price.save"))
    press(app, text("cost.pricing.apply", n=2))
    assert not app.exception
    assert empty_engine.costs(1).total_cost == 6
    assert text("cost.pricing.none") in shown(app)
    press(app, text("cost.entry.undo"))
    assert empty_engine.costs(1).unknown_price_calls == 2


def test_an_error_stands_in_the_form_it_belongs_to(empty_engine: BlockingEngine, open_page: Opener) -> None:
    app = at(open_page("biaya"), "tariffs")
    app = press(fill(app, rate_rupiah="enam belas"), text("cost.rate.save"))
    assert errors_by_form(app) == {"cost.rate.form": 1}
    assert errors_by_form(press(app, text("cost.price.save"))) == {"cost.price.form": 1}


def test_a_rate_changes_the_rupiah_of_its_days(empty_engine: BlockingEngine, open_page: Opener) -> None:
    book(empty_engine, CALL)
    app = at(open_page("biaya"), "tariffs")
    press(fill(app, rate_rupiah="17.000"), text("cost.rate.save"))
    assert not app.exception
    assert "Rp 17.000" in app.dataframe[1].value[text("cost.rate.rupiah")].to_list()
    at(app, "summary")
    assert (app.metric[0].value, app.metric[0].delta) == ("US$ 0,50", "Rp 8.500")


def test_an_invoice_is_compared_with_the_books(empty_engine: BlockingEngine, open_page: Opener) -> None:
    today = jakarta_day(datetime.now(UTC))
    tariffs = empty_engine.spending.tariffs
    tariffs.set_price(DatedPrice("model-x", today, Price(Decimal("0.1"), Decimal("0.1"), Decimal(0))), actor="uji")
    used = Usage(4_000_000, estimated=True)
    book(empty_engine, CallRecord(NOW, "chat", "model-x", used, 1, 5.0, Decimal("0.4")))
    app = at(open_page("biaya"), "invoices")
    app.selectbox(key=costs_invoices.MONTH).set_value(today.replace(day=1)).run()
    assert text("cost.invoice.none") in shown(app)
    press(fill(app, invoice_usd="0,55", invoice_note="INV-11"), text("cost.invoice.save"))
    assert not app.exception
    assert [metric.value for metric in app.metric] == ["US$ 0,55", "US$ 0,40", "US$ 0,15"]
    assert "masih dalam rentang" in app.success[0].value
    assert text("cost.cause.estimated") in shown(app)
    press(fill(app, invoice_usd="9"), text("cost.invoice.save"))
    assert "tidak dapat dijelaskan" in app.warning[0].value
    assert app.dataframe[0].value.to_dict("records")[0][text("cost.table.model")] == "model-x"
    press(app, text("cost.entry.undo"))
    assert app.metric[0].value == "US$ 0,55"


def test_the_effect_of_a_cause_is_written_with_its_sign() -> None:
    def effect(low: str, high: str) -> str:
        return costs_invoices.effect(Cause("estimated", 1, Decimal(1), Decimal(low), Decimal(high)))

    assert effect("-1.2", "0") == "−US$ 1,20 … US$ 0,00"
    assert effect("0.5", "0.5") == "+US$ 0,50"
    assert costs_invoices.month_name(NOW.date().replace(month=11, year=2026, day=1)) == "Nov 2026"


@pytest.mark.parametrize(
    ("amount", "said"), [("0.1", "US$ 0,10"), ("0.025", "US$ 0,025"), ("12", "US$ 12,00"), ("0", "US$ 0,00")]
)
def test_a_price_shows_all_its_decimals(amount: str, said: str) -> None:
    assert costs_prices.per_million(Decimal(amount)) == said


def test_prices_that_are_over_or_not_yet_in_force_are_told(empty_engine: BlockingEngine, open_page: Opener) -> None:
    tariffs, today = empty_engine.spending.tariffs, jakarta_day(datetime.now(UTC))
    for days in (-10, -5, 5):
        price = Price(Decimal(1), Decimal(1), Decimal(1))
        tariffs.set_price(DatedPrice("a/a", today + timedelta(days=days), price), actor="uji")
    app = at(open_page("biaya"), "tariffs")
    table = app.dataframe[0].value
    states = table[table["Model"] == "a/a"]["Status"].to_list()
    assert [state.split()[0] for state in states] == ["mulai", "berlaku", "sampai"]


def test_an_error_is_told(empty_engine: BlockingEngine, open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> None:
        raise StoreLockedError

    monkeypatch.setattr(Spending, "report", locked)
    app = open_page("biaya")
    assert not app.exception
    assert app.error[0].value.startswith("Penyimpanan data sedang terkunci")


def test_an_unknown_kind_of_work_is_named_all_the_same() -> None:
    assert charts.operation_name("chat") == "Penyusunan jawaban"
    assert charts.operation_name("lain_lain") == "lain lain"
