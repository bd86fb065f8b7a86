"""The section that holds a month of the books against the provider's invoice."""

from datetime import date
from decimal import Decimal
from functools import partial

import streamlit as st

from pages.shell import costs_state, session
from pages.shell.downloads import download_button
from pages.shell.frame import draw_problem, errors_kept
from pages.shell.plain import plain, plain_line
from pages.shell.resources import may
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import UNKNOWN, number, percent, rupiah, usd
from sipd_core.periods import Period
from sipd_core.permissions import Permission
from sipd_core.spending import files
from sipd_core.spending.reconciling import BookedModel, Cause, Reconciliation
from sipd_core.spending.room import Spending
from sipd_core.store.invoices import Invoice
from sipd_core.texts import text

_COLUMNS = ("model", "cost", "calls", "prompt", "cached", "completion")
MONTH, USD, NOTE = "cost.invoice.month", "cost.invoice.usd", "cost.invoice.note"
FORM = "cost.invoice.form"


def draw(engine: BlockingEngine) -> None:
    """Choose a month, type its invoice, read the difference and what may explain it."""
    spending = engine.spending
    st.subheader(text("cost.invoice.heading"), anchor=False)
    st.caption(text("cost.invoice.intro"))
    months = spending.months()
    before = months[1] if len(months) > 1 else months[0]
    st.session_state.setdefault(MONTH, before)
    month = st.selectbox(text("cost.invoice.month"), months, format_func=month_name, key=MONTH, width=240)
    found = spending.reconcile(month or before)
    _draw_form(spending, found)
    _draw_figures(found, spending.tariffs.rates().on(min(_last(found.month), spending.today)))
    _draw_verdict(found)
    if found.month == spending.today.replace(day=1):
        st.caption(text("cost.invoice.running"))
    _draw_causes(found)
    _draw_models(spending, found)
    undo = partial(spending.undo_invoice, actor=costs_state.actor())
    costs_state.draw_history("invoice", spending.invoice_history(), _entry, undo)


def month_name(month: date) -> str:
    """`Nov 2026`."""
    return f"{text('locale.months').split()[month.month - 1]} {month.year}"


def _last(month: date) -> date:
    return date.fromordinal(date(month.year + month.month // 12, month.month % 12 + 1, 1).toordinal() - 1)


def _draw_form(spending: Spending, found: Reconciliation) -> None:
    if not may(Permission.MONEY):
        return
    with st.form(FORM):
        amount, note = st.columns([1, 2])
        amount.text_input(text("cost.invoice.usd"), placeholder="12,34", key=USD)
        note.text_input(text("cost.entry.note"), max_chars=300, key=NOTE)
        save, args = text("cost.invoice.save"), (spending, found.month)
        st.form_submit_button(save, type="primary", icon=":material/save:", on_click=_save, args=args)
        draw_problem(FORM)


def _save(spending: Spending, month: date) -> None:
    with errors_kept(FORM):
        billed = costs_state.typed(USD, text("cost.invoice.usd"), "12,34")
        note = str(st.session_state.get(NOTE) or "")
        spending.enter_invoice(month, billed, actor=costs_state.actor(), note=note)
        costs_state.clear(USD, NOTE)
        session.flash(text("cost.invoice.saved", month=month_name(month)))


def _draw_figures(found: Reconciliation, rate: Decimal) -> None:
    billed = found.invoice.value.usd if found.invoice and found.invoice.value else None
    difference = found.difference
    share = percent(difference / found.booked, 1) if difference is not None and found.booked else UNKNOWN
    figures = (
        ("billed", billed, None if billed is None else rupiah(billed * rate)),
        ("booked", found.booked, text("cost.invoice.calls", n=number(found.calls))),
        ("difference", difference, None if difference is None else text("cost.invoice.share", share=share)),
    )
    with st.grid(columns=3, min_column_width=200, gap="xsmall"):
        for name, amount, beneath in figures:
            explanation = text("cost.invoice.difference_help") if name == "difference" else None
            shown = usd(amount) if amount is not None else UNKNOWN
            said = beneath or text("cost.invoice.not_typed")
            label = text(f"cost.invoice.{name}")
            with st.container(border=True, height="stretch"):
                st.metric(label, shown, delta=said, delta_color="off", delta_arrow="off", help=explanation)


def _draw_verdict(found: Reconciliation) -> None:
    difference, rest = found.difference, found.unexplained
    if difference is None or rest is None:
        st.info(text("cost.invoice.none"), icon=":material/receipt_long:")
    elif not difference:
        st.success(text("cost.invoice.equal"), icon=":material/check_circle:")
    elif not rest:
        said = text("cost.invoice.explained", difference=usd(difference))
        st.success(plain(said), icon=":material/check_circle:")
    else:
        said = text("cost.invoice.unexplained", rest=usd(rest), difference=usd(difference))
        st.warning(plain(said), icon=":material/warning:")


def _draw_causes(found: Reconciliation) -> None:
    st.markdown(f"**{text('cost.invoice.causes')}**")
    if not found.causes:
        st.caption(text("cost.invoice.no_causes"))
        return
    st.caption(plain(text("cost.invoice.range", low=usd(found.low), high=usd(found.high))))
    for cause in found.causes:
        _draw_cause(cause)
    st.caption(plain(text("cost.invoice.utc", utc=usd(found.by_utc))))


def _draw_models(spending: Spending, found: Reconciliation) -> None:
    """The books by model, as an invoice lists them, and every call of the month as a file."""
    if not found.models:
        return
    st.markdown(f"**{text('cost.invoice.models')}**", help=text("cost.invoice.models_help"))
    names = {name: text(f"cost.table.{name}") for name in _COLUMNS}
    st.dataframe(
        [dict(zip(names.values(), _model(one), strict=True)) for one in found.models],
        hide_index=True,
        width="stretch",
        column_config={
            said: st.column_config.TextColumn(alignment="left" if name == "model" else "right")
            for name, said in names.items()
        },
    )
    period = Period.of_month(found.month.year, found.month.month)
    download_button(
        text("cost.file.calls"),
        lambda: files.calls_csv(spending.calls(period), spending.tariffs.rates()),
        file_name=text("cost.file.calls_name", first=period.first.isoformat(), last=period.last.isoformat()),
        mime="text/csv",
        key="cost.invoice.calls",
    )


def _model(one: BookedModel) -> tuple[str, ...]:
    used = one.usage
    shown = (lambda n: text("cost.table.estimated", n=number(n))) if used.estimated else number
    cost = usd(one.booked) if one.unknown_calls < one.calls else text("cost.unknown.price")
    if 0 < one.unknown_calls < one.calls:
        cost = text("cost.unknown.part", cost=cost, n=number(one.unknown_calls))
    return (one.model, cost, number(one.calls), shown(used.prompt), number(used.cached), shown(used.completion))


def _draw_cause(cause: Cause) -> None:
    """One cause: its name, how much it may come to, why."""
    with st.container(border=True, gap="xxsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            calls = text("cost.invoice.calls", n=number(cause.calls))
            st.markdown(f"**{text(f'cost.cause.{cause.name}')}** · {calls}", width="content")
            st.markdown(plain_line(effect(cause)), width="content")
        st.caption(text(f"cost.because.{cause.name}"))


def effect(cause: Cause) -> str:
    """By how much the invoice may lie beside the books: `−US$ 1,20 … +US$ 0,00`."""
    low, high = signed(cause.low), signed(cause.high)
    return low if low == high else text("cost.cause.between", low=low, high=high)


def signed(amount: Decimal) -> str:
    """An amount with its sign, zero without one."""
    return f"+{usd(amount)}" if amount > 0 else f"−{usd(-amount)}" if amount < 0 else usd(amount)


def _entry(invoice: Invoice) -> str:
    return text("cost.invoice.entry", month=month_name(invoice.month), usd=plain_line(usd(invoice.usd)))
