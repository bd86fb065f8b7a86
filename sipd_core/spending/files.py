"""The figures of the cost page as files from which each of them can be reckoned anew: CSV, XLSX, JSON.

One reason to change: what leaves the console as a file. Money is written without an exponent; an unknown price is an
empty cell (in JSON null), never 0.
"""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from sipd_core.locale_id import number
from sipd_core.periods import Period
from sipd_core.rates import RateTable
from sipd_core.spending.report import Money, SpendingReport
from sipd_core.spending.room import Spending
from sipd_core.store.usage_report import EXPORTED, exported, usage_report
from sipd_core.tables.exports import ExportedSheet, write_csv, write_workbook
from sipd_core.texts import text
from sipd_core.usage import JAKARTA, CallRecord, UsageTotal, jakarta_day

Row = Sequence[object]

TOTAL_COLUMNS = (*EXPORTED, "usd_idr", "cost_idr")
CALL_COLUMNS = (
    "time",
    "operation",
    "model",
    "texts",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "estimated",
    "cost_usd",
    "usd_idr",
    "latency_ms",
    "retries",
    "outcome",
    "conversation",
    "request_id",
)
"""Of the file that holds every call; the day of `time`, which is Jakarta's, is the day it is booked on."""
CONVERSATION_COLUMNS = ("conversation", "resolved", "calls", "cost_usd", "unknown_price_calls")
PRICE_COLUMNS = ("model", "valid_from", "prompt", "cached", "completion", "entered")
FIGURE_COLUMNS = ("figure", "usd", "idr", "number", "unknown_price_calls", "meaning")
CALLS_IN_WORKBOOK = 20_000
"""More would take half a minute and a file that spreadsheets open slowly; every call is in the CSV."""
SAVING_COLUMNS = ("cache", "count", "each_usd", "saved_usd", "unpriced")


def totals_csv(report: SpendingReport) -> bytes:
    """One line for each day, kind of work and model."""
    return _csv(TOTAL_COLUMNS, _totals(report))


def calls_csv(calls: Iterable[CallRecord], rates: RateTable) -> bytes:
    """One line a call, oldest first."""
    return _csv(CALL_COLUMNS, (_call(call, rates) for call in calls))


def workbook(spending: Spending, period: Period) -> bytes:
    """All figures of a period, the lines and calls behind them, prices, rates and invoices, as XLSX."""
    report = spending.report(period)
    target = io.BytesIO()
    sheets = [
        ExportedSheet("Ringkasan", FIGURE_COLUMNS, _figures(report)),
        ExportedSheet("Rincian", TOTAL_COLUMNS, _totals(report)),
        *_calls(spending, report),
        ExportedSheet("Percakapan", CONVERSATION_COLUMNS, _conversations(spending, period)),
        ExportedSheet("Penghematan", SAVING_COLUMNS, _savings(report)),
        ExportedSheet("Harga", PRICE_COLUMNS, _prices(spending)),
        ExportedSheet("Kurs", ("day", "usd_idr"), [(day.isoformat(), report.rates.on(day)) for day in period]),
        ExportedSheet("Tagihan", ("month", "usd", "at", "actor", "note", "counts"), _invoices(spending)),
    ]
    write_workbook(target, [*sheets, _meanings(sheets)])
    return target.getvalue()


def json_report(report: SpendingReport) -> bytes:
    """The source document's usage report (by_operation, by_model, total_cost, total_tokens, period_days) and what an
    auditor needs besides."""
    whole = report.whole
    more = {
        "first_day": report.period.first.isoformat(),
        "last_day": report.period.last.isoformat(),
        "total_cost_idr": float(whole.idr) if whole.is_known else None,
        "unknown_price_calls": whole.unknown_calls,
        "calls": whole.calls,
        "days": [dict(zip(TOTAL_COLUMNS, map(_json, row), strict=True)) for row in _totals(report)],
    }
    said = usage_report(report.totals, report.period.days) | more
    return json.dumps(said, ensure_ascii=False, indent=2).encode()


def _csv(header: Sequence[str], rows: Iterable[Row]) -> bytes:
    target = io.BytesIO()
    write_csv(target, header, ([_written(cell) for cell in row] for row in rows))
    return target.getvalue()


def _written(cell: object) -> object:
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return "" if cell is None else cell


def _json(cell: object) -> object:
    return float(cell) if isinstance(cell, Decimal) else cell


def _totals(report: SpendingReport) -> Iterator[Row]:
    for total in report.totals:
        rate = report.rates.on(total.day)
        cost = _cost(total)
        cells = dict(zip(EXPORTED, exported(total), strict=True)) | {"day": total.day.isoformat(), "cost_usd": cost}
        yield (*cells.values(), rate, None if cost is None else cost * rate)


def _cost(total: UsageTotal) -> Decimal | None:
    return None if total.unknown_price_calls == total.calls else total.cost_usd


def _call(call: CallRecord, rates: RateTable) -> Row:
    return (
        call.at.astimezone(JAKARTA).isoformat(timespec="milliseconds"),
        call.operation,
        call.model,
        call.texts,
        call.usage.prompt,
        call.usage.cached,
        call.usage.completion,
        int(call.usage.estimated),
        call.cost_usd,
        rates.on(jakarta_day(call.at)),
        round(call.latency_ms, 1),
        call.retries,
        call.outcome.value,
        call.conversation or "",
        call.request_id or "",
    )


def _calls(spending: Spending, report: SpendingReport) -> Iterator[ExportedSheet]:
    if report.whole.calls <= CALLS_IN_WORKBOOK:
        calls = (_call(call, report.rates) for call in spending.calls(report.period))
        yield ExportedSheet("Panggilan", CALL_COLUMNS, calls)


def _meanings(sheets: Iterable[ExportedSheet]) -> ExportedSheet:
    """Every column's name, which programs read, in words for people."""
    columns = dict.fromkeys(name for sheet in sheets for name in sheet.header)
    header = (text("cost.meaning.column"), text("cost.meaning.said"))
    return ExportedSheet(text("cost.meaning.sheet"), header, [(name, text(f"cost.meaning.of.{name}")) for name in columns])


def _figures(report: SpendingReport) -> Iterator[Row]:
    """Each figure of the summary, with how it comes from the other sheets."""
    each = report.per_conversation
    yield _sum("period_cost", report.whole)
    yield _sum("today_cost", report.today)
    yield _sum("month_cost", report.month)
    if shown := report.projection:
        foretold = Money(shown.usd, shown.idr, 0, shown.unknown_calls)
        yield _sum("month_projected", foretold, left=number(shown.days_left))
        yield _sum("month_past", shown.past)
        yield _sum("day_average", shown.average, days=number(shown.window))
    yield _sum("answering_cost", each.answering)
    yield _count("conversations", each.conversations)
    yield _count("resolved_conversations", each.resolved)
    yield _sum("cost_per_conversation", each.each)
    yield _sum("cost_per_resolved_conversation", each.each_resolved)
    for kind in ("prompt", "cached", "completion"):
        yield _count(f"{kind}_tokens", getattr(report.tokens, kind))


def _count(name: str, counted: int) -> Row:
    return (name, None, None, counted, None, text(f"cost.meaning.{name}"))


def _sum(name: str, amount: Money | None, **said: str) -> Row:
    meaning = text(f"cost.meaning.{name}", **said)
    if amount is None or not amount.is_known:
        return (name, None, None, None, amount.unknown_calls if amount else None, meaning)
    return (name, amount.usd, amount.idr, None, amount.unknown_calls, meaning)


def _conversations(spending: Spending, period: Period) -> Iterator[Row]:
    for line in spending.conversations(period):
        used = line.used
        cost = None if used.calls and used.unknown_price_calls == used.calls else used.cost_usd
        yield (line.id, int(line.resolved), used.calls, cost, used.unknown_price_calls)


def _savings(report: SpendingReport) -> Iterator[Row]:
    for saving in report.savings:
        yield (saving.name, saving.count, saving.each, saving.usd, saving.unpriced)


def _prices(spending: Spending) -> Iterator[Row]:
    for line in spending.tariffs.listed():
        price, start = line.dated.price, line.dated.valid_from.isoformat()
        yield (line.dated.model, start, price.prompt, price.cached, price.completion, int(line.entered))


def _invoices(spending: Spending) -> Iterator[Row]:
    for entry in spending.invoice_history():
        if entry.value is not None:
            at = entry.at.astimezone(JAKARTA).isoformat(timespec="seconds")
            counts = int(entry.undone_by is None)
            yield (f"{entry.value.month:%Y-%m}", entry.value.usd, at, entry.actor, entry.note, counts)
