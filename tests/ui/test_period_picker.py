"""One period for all pages: from the address, kept over pages, never an unsound one."""

from datetime import date

from streamlit.testing.v1 import AppTest

from pages.shell.period import change_since, compared, period_of, said
from sipd_core.periods import Period
from sipd_core.texts import text

TODAY = date(2026, 11, 22)
WEEK = Period(date(2026, 11, 16), TODAY)


def page() -> None:
    from datetime import date

    import streamlit as st

    from pages.shell.period import period_picker

    period = period_picker("uji", today=date(2026, 11, 22))
    st.text(f"{period.first} {period.last}")


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=30)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def test_a_week_is_the_usual_period_and_a_choice_is_kept_in_the_address() -> None:
    app = opened()
    assert app.text[0].value == "2026-11-16 2026-11-22"
    app.get("button_group")[0].set_value("month").run()
    assert app.text[0].value == "2026-10-24 2026-11-22"
    assert app.query_params["periode"] in ("month", ["month"])


def test_an_address_names_a_period() -> None:
    assert opened(periode="today").text[0].value == "2026-11-22 2026-11-22"
    assert opened(periode="last_month").text[0].value == "2026-10-01 2026-10-31"
    assert opened(periode="2026-11-01_2026-11-20").text[0].value == "2026-11-01 2026-11-20"


def test_an_address_that_names_none_gives_the_usual_one() -> None:
    for kept in ("", "besok", "2026-11-20_2026-11-01", "2020-01-01_2026-11-01", "2026-99-01_x"):
        assert period_of(kept, TODAY) == WEEK
    assert period_of("2026-11-20_2026-12-31", TODAY).last == TODAY, "what is to come cannot be looked back on"


def test_days_are_chosen_and_days_that_are_no_period_change_nothing() -> None:
    app = opened()
    app.get("button_group")[0].set_value("custom").run()
    assert app.text[0].value == "2026-11-16 2026-11-22", "the period of before is where a choice begins"
    app.date_input(key="uji.first").set_value(date(2026, 11, 2)).run()
    app.date_input(key="uji.last").set_value(date(2026, 11, 8)).run()
    assert app.text[0].value == "2026-11-02 2026-11-08"
    app.date_input(key="uji.last").set_value(date(2026, 10, 1)).run()
    assert app.text[0].value == "2026-11-02 2026-11-08"
    assert any(text("errors.period_reversed") in caption.value.replace("\\", "") for caption in app.caption)


def test_too_long_a_choice_is_said_and_changes_nothing() -> None:
    app = opened(periode="2026-11-02_2026-11-08")
    app.date_input(key="uji.first").set_value(date(2024, 1, 1)).run()
    assert app.text[0].value == "2026-11-02 2026-11-08"
    assert any("Rentang terlalu panjang" in caption.value for caption in app.caption)


def test_periods_and_changes_in_words() -> None:
    assert said(Period(TODAY, TODAY)) == "22 Nov 2026"
    assert compared(WEEK) == (
        "16 Nov 2026 sampai 22 Nov 2026 (7 hari), dibandingkan dengan 9 Nov 2026 sampai 15 Nov 2026 (7 hari)."
    )
    assert [change_since(*pair) for pair in ((150.0, 100.0), (75.0, 100.0), (None, 1.0), (1.0, None), (1.0, 0.0))] == [
        "+50% dari periode sebelumnya", "-25% dari periode sebelumnya", None, None, None
    ]  # fmt: skip
