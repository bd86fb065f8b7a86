"""The exchange rate: what a dollar is worth since when, who entered it, and the form."""

from decimal import Decimal
from functools import partial

import streamlit as st

from pages.shell import costs_state, session
from pages.shell.frame import draw_problem, errors_kept
from pages.shell.plain import plain_line
from pages.shell.resources import may
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import day, number
from sipd_core.permissions import Permission
from sipd_core.rates import DatedRate
from sipd_core.spending.room import Spending
from sipd_core.texts import text

RATE, START, NOTE = "cost.rate.rupiah", "cost.rate.start", "cost.rate.note"
FORM = "cost.rate.form"


def draw(engine: BlockingEngine) -> None:
    """The rates in force, the form, their history."""
    spending = engine.spending
    st.subheader(text("cost.rate.heading"), anchor=False)
    st.caption(text("cost.rate.help"))
    _draw_table(spending)
    _draw_form(spending)
    undo = partial(spending.tariffs.undo_rate, actor=costs_state.actor())
    costs_state.draw_history("rate", spending.tariffs.rate_history(), _entry, undo)


def rate_shown(rupiah: Decimal) -> str:
    """Rupiah a dollar; decimals only where there are any."""
    return f"Rp {number(rupiah, 0 if rupiah == rupiah.to_integral_value() else 2)}"


def _draw_table(spending: Spending) -> None:
    """Newest first; of several for the same day the one that counts."""
    rates = spending.tariffs.rates()
    starts = sorted({rate.valid_from for rate in rates.dated}, reverse=True)
    rows = [{"from": day(start), "rate": rate_shown(rates.on(start))} for start in starts]
    rows.append({"from": text("cost.rate.start"), "rate": rate_shown(rates.start)})
    names = {"from": text("cost.price.valid_from"), "rate": text("cost.rate.rupiah")}
    right = {names["rate"]: st.column_config.TextColumn(alignment="right")}
    st.dataframe(
        [{names[key]: value for key, value in row.items()} for row in rows],
        hide_index=True,
        width=480,
        column_config=right,
    )


def _draw_form(spending: Spending) -> None:
    if not may(Permission.MONEY):
        return
    st.session_state.setdefault(START, spending.today)
    with st.form(FORM):
        st.markdown(f"**{text('cost.rate.form')}**")
        amount, start, note = st.columns([1, 1, 2])
        amount.text_input(text("cost.rate.rupiah"), placeholder="16.500", key=RATE)
        start.date_input(text("cost.price.valid_from"), format="DD/MM/YYYY", key=START)
        note.text_input(text("cost.entry.note"), max_chars=300, key=NOTE)
        save = text("cost.rate.save")
        st.form_submit_button(save, type="primary", icon=":material/save:", on_click=_save, args=(spending,))
        draw_problem(FORM)


def _save(spending: Spending) -> None:
    with errors_kept(FORM):
        rupiah = costs_state.typed(RATE, text("cost.rate.rupiah"), "16.500")
        dated, note = DatedRate(costs_state.chosen_day(START), rupiah), str(st.session_state.get(NOTE) or "")
        spending.tariffs.set_rate(dated, actor=costs_state.actor(), note=note)
        costs_state.clear(RATE, NOTE)
        session.flash(text("cost.rate.saved", rate=rate_shown(rupiah), day=day(dated.valid_from)))


def _entry(dated: DatedRate) -> str:
    return text("cost.rate.entry", rate=plain_line(rate_shown(dated.rupiah)), day=day(dated.valid_from))
