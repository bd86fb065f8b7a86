"""The section of prices and rates: what holds, since when, who entered it; calls that can get their price later."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import partial

import streamlit as st

from pages.shell import costs_state, session
from pages.shell.frame import draw_problem, errors_kept
from pages.shell.plain import plain_line
from pages.shell.resources import may
from sipd_core.blocking import BlockingEngine
from sipd_core.errors import SpendingError
from sipd_core.locale_id import day, number, usd
from sipd_core.permissions import Permission
from sipd_core.prices import DatedPrice, ListedPrice, Price
from sipd_core.spending.room import Spending
from sipd_core.store.repricing import RepricedLine, Repricing, UnknownUse
from sipd_core.texts import text

PROMPT, CACHED, COMPLETION = "cost.price.prompt", "cost.price.cached", "cost.price.completion"
START, NOTE = "cost.price.start", "cost.price.note"
FORM, PRICING = "cost.price.form", "cost.pricing.apply"


def draw(engine: BlockingEngine) -> None:
    """Prices in force, the form, their history, and the calls without a price."""
    spending = engine.spending
    st.subheader(text("cost.price.heading"), anchor=False)
    st.caption(text("cost.price.help"))
    _draw_waiting(spending)
    _draw_table(spending.tariffs.listed(), spending.today)
    _draw_form(spending)
    undo = partial(spending.tariffs.undo_price, actor=costs_state.actor())
    costs_state.draw_history("price", spending.tariffs.price_history(), _entry, undo)


def per_million(amount: Decimal) -> str:
    """USD for a million tokens, with as many decimals as it has."""
    places = -int(amount.normalize().as_tuple().exponent)
    return f"US$ {number(amount, max(places, 2))}"


def _draw_table(listed: Sequence[ListedPrice], today: date) -> None:
    rows = []
    before: ListedPrice | None = None
    for line in listed:  # newest first within a model, so the one before tells until when this one holds
        newer = before if before and before.dated.model == line.dated.model else None
        rows.append(_row(line, newer, today))
        before = line
    words = {name: st.column_config.TextColumn(alignment="right") for name in _amounts()}
    st.dataframe(rows, hide_index=True, width="stretch", column_config=words)


def _amounts() -> list[str]:
    return [text(f"cost.price.{name}") for name in ("prompt", "cached", "completion")]


def _row(line: ListedPrice, newer: ListedPrice | None, today: date) -> dict[str, str]:
    price, start = line.dated.price, line.dated.valid_from
    shown = [per_million(amount) for amount in (price.prompt, price.cached, price.completion)]
    return {
        text("cost.price.model"): line.dated.model,
        text("cost.price.valid_from"): day(start),
        **dict(zip(_amounts(), shown, strict=True)),
        text("cost.price.status"): _status(start, newer.dated.valid_from if newer else None, today),
        text("cost.price.source"): text("cost.price.entered" if line.entered else "cost.price.filed"),
    }


def _status(start: date, until: date | None, today: date) -> str:
    if start > today:
        return text("cost.price.later", day=day(start))
    if until is not None and until <= today:
        return text("cost.price.past", day=day(date.fromordinal(until.toordinal() - 1)))
    return text("cost.price.now")


def _draw_form(spending: Spending) -> None:
    if not may(Permission.MONEY):
        return
    st.session_state.setdefault(START, spending.today)
    with st.form(FORM):
        st.markdown(f"**{text('cost.price.form')}**")
        first, second = st.columns([3, 1])
        first.selectbox(
            text("cost.price.model"),
            spending.models(),
            index=None,
            accept_new_options=True,
            help=text("cost.price.model_help"),
            placeholder="",
            key=costs_state.MODEL,
        )
        second.date_input(text("cost.price.valid_from"), format="DD/MM/YYYY", key=START)
        amounts = st.columns(3)
        amounts[0].text_input(text("cost.price.prompt"), placeholder="0,15", key=PROMPT)
        amounts[1].text_input(text("cost.price.cached"), help=text("cost.price.cached_help"), key=CACHED)
        amounts[2].text_input(text("cost.price.completion"), help=text("cost.price.completion_help"), key=COMPLETION)
        st.text_input(text("cost.entry.note"), max_chars=300, key=NOTE)
        save = text("cost.price.save")
        st.form_submit_button(save, type="primary", icon=":material/save:", on_click=_save, args=(spending,))
        draw_problem(FORM)


def _save(spending: Spending) -> None:
    with errors_kept(FORM):
        model = str(st.session_state.get(costs_state.MODEL) or "").strip()
        if not model:
            raise SpendingError(text_key="cost.price.no_model")
        prompt = costs_state.typed(PROMPT, text("cost.price.prompt"), "0,15")
        cached = costs_state.typed(CACHED, text("cost.price.cached"), "0,075", empty=prompt)
        completion = costs_state.typed(COMPLETION, text("cost.price.completion"), "0,60", empty=Decimal(0))
        dated = DatedPrice(model, costs_state.chosen_day(START), Price(prompt, cached, completion))
        note = str(st.session_state.get(NOTE) or "")
        spending.tariffs.set_price(dated, actor=costs_state.actor(), note=note)
        costs_state.clear(PROMPT, CACHED, COMPLETION, NOTE)
        session.flash(text("cost.price.saved", model=model, day=day(dated.valid_from)))


def _entry(dated: DatedPrice) -> str:
    amounts = _amounts_of(dated.price)
    return text("cost.price.entry", model=plain_line(dated.model), day=day(dated.valid_from), **amounts)


def _draw_waiting(spending: Spending) -> None:
    """Calls whose price is unknown: those that can be priced, and those whose model needs a price first."""
    waiting, done = spending.tariffs.unpriced(), spending.tariffs.pricings()
    if not waiting.calls and not done:
        return
    with st.container(border=True):
        st.markdown(f"**{text('cost.pricing.heading')}**")
        if not waiting.calls:
            st.caption(text("cost.pricing.none"))
        if waiting.priceable:
            _draw_priceable(spending, waiting.priceable)
        if waiting.without:
            st.markdown(text("cost.pricing.missing"))
        for use in waiting.without:
            _draw_without(use)
        if done:
            undo = partial(spending.tariffs.undo_pricing, actor=costs_state.actor())
            costs_state.draw_history("pricing", done, _pricing, undo, can_redo=False)


def _draw_without(use: UnknownUse) -> None:
    """A model that needs a price first, and the way to the form."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        said = {"n": number(use.calls), "tokens": number(use.usage.total), "day": day(use.day)}
        st.markdown(text("cost.pricing.without", model=plain_line(use.model), **said), width="content")
        st.button(
            text("cost.pricing.fill"),
            icon=":material/edit:",
            type="tertiary",
            key=f"cost.fill.{use.model}",
            disabled=not may(Permission.MONEY),
            on_click=_fill,
            args=(use.model, use.day),
        )


def _draw_priceable(spending: Spending, lines: Sequence[RepricedLine]) -> None:
    calls, cost = sum(line.calls for line in lines), sum((line.cost_usd for line in lines), Decimal(0))
    st.markdown(text("cost.pricing.ready", n=number(calls), cost=plain_line(usd(cost))))
    for line in lines:
        said = {"first": day(line.first), "last": day(line.last), "n": number(line.calls)}
        said["cost"] = plain_line(usd(line.cost_usd))
        st.markdown("- " + text("cost.pricing.line", model=plain_line(line.model), **said))
    apply = text("cost.pricing.apply", n=number(calls))
    st.button(
        apply,
        type="primary",
        icon=":material/sell:",
        key=PRICING,
        disabled=not may(Permission.MONEY),
        on_click=_price,
        args=(spending,),
    )
    draw_problem(PRICING)


def _price(spending: Spending) -> None:
    with errors_kept(PRICING):
        made = spending.tariffs.price_calls(actor=costs_state.actor()).value
        if made is not None:
            session.flash(text("cost.pricing.applied", n=number(made.calls), cost=usd(made.cost_usd)))


def _fill(model: str, start: date) -> None:
    """Put the model and its first day into the form."""
    st.session_state[costs_state.MODEL], st.session_state[START] = model, start
    session.flash(text("cost.pricing.filled"))


def _pricing(made: Repricing) -> str:
    lines = "; ".join(map(_priced, made.lines))
    return text("cost.pricing.entry", n=number(made.calls), cost=plain_line(usd(made.cost_usd)), lines=lines)


def _priced(line: RepricedLine) -> str:
    return text(
        "cost.pricing.entry_line", model=plain_line(line.model), n=number(line.calls), **_amounts_of(line.price)
    )


def _amounts_of(price: Price) -> dict[str, str]:
    return {name: plain_line(per_million(getattr(price, name))) for name in ("prompt", "cached", "completion")}
