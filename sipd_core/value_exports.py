"""The rows behind every figure of value, as CSV: whoever has them can compute each figure anew."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from sipd_core.roi import Figure
from sipd_core.store.assumptions import LIMITS
from sipd_core.store.outcomes import ConversationOutcome
from sipd_core.tables.exports import write_csv
from sipd_core.texts import text
from sipd_core.usage import JAKARTA, jakarta_day
from sipd_core.value import DayCost, ValueReport
from sipd_core.value_words import computed, formula

CONVERSATION_COLUMNS = (
    "conversation_id",
    "began",
    "day",
    "outcome",
    "resolved_by",
    "messages",
    "questions",
    "reopened",
    "helpful",
    "unhelpful",
    "reasons",
    "first_answer_seconds",
    "last_answer_seconds",
    "title",
)
COST_COLUMNS = ("day", "calls", "unknown_price_calls", "cost_usd", "usd_idr", "cost_rupiah")
ASSUMPTION_COLUMNS = ("name", "value", "unit")
_PLACES = 6
"""Decimals of a figure; no `Decimal` is written with an exponent at so many."""
FIGURE_COLUMNS = ("name", "value", "unit", "bound", "formula", "computed")


def conversation_cells(one: ConversationOutcome, title: str) -> tuple[object, ...]:
    """One conversation in the order of CONVERSATION_COLUMNS; what is not known is empty."""
    return (
        one.id,
        one.began.astimezone(JAKARTA).isoformat(timespec="seconds"),
        jakarta_day(one.began).isoformat(),
        one.outcome.value,
        one.resolved_by.value if one.resolved_by else "",
        one.messages,
        one.questions,
        one.reopened,
        one.helpful,
        one.unhelpful,
        ";".join(one.reasons),
        _or_empty(one.first_answer_seconds),
        _or_empty(one.last_answer_seconds),
        title,
    )


def conversations_csv(report: ValueReport, found: Sequence[ConversationOutcome]) -> bytes:
    """One line a conversation; `found` are some of the report, or all."""
    titles = report.titles(one.id for one in found)
    return _csv(CONVERSATION_COLUMNS, (conversation_cells(one, titles[one.id]) for one in found))


def costs_csv(costs: Iterable[DayCost]) -> bytes:
    """One line a day on which models were called."""
    cells = (
        (
            day.day.isoformat(),
            day.calls,
            day.unknown_price_calls,
            f"{day.cost_usd:f}",
            f"{day.rate:f}",
            f"{day.rupiah:f}",
        )
        for day in costs
    )
    return _csv(COST_COLUMNS, cells)


def assumptions_csv(report: ValueReport) -> bytes:
    """One line an assumption, and the days of the period that have begun."""
    given = [(name, f"{value:f}", LIMITS[name].unit.value) for name, value in asdict(report.assumptions).items()]
    days = report.measured.days
    return _csv(ASSUMPTION_COLUMNS, [*given, (days.name, days.value, days.unit.value)])


def figures_csv(report: ValueReport) -> bytes:
    """One line a figure of the page, with its formula; a value that is not known is empty."""
    return _csv(FIGURE_COLUMNS, map(_figure_cells, [*counted(report), *report.times, *report.worth]))


def counted(report: ValueReport) -> tuple[Figure, ...]:
    """What was measured, as figures."""
    measured = report.measured
    return (
        measured.conversations,
        measured.confirmed,
        measured.assumed,
        measured.escalated,
        measured.unresolved,
        measured.reopened,
        measured.open,
        measured.helpful,
        measured.unhelpful,
        measured.model_costs,
    )


def everything(report: ValueReport) -> bytes:
    """All of them in one ZIP."""
    files = {
        "conversations": conversations_csv(report, report.conversations),
        "costs": costs_csv(report.costs),
        "assumptions": assumptions_csv(report),
        "figures": figures_csv(report),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(text(f"value.file.{name}"), content)
    return out.getvalue()


def _figure_cells(figure: Figure) -> tuple[object, ...]:
    value = "" if figure.value is None else round(figure.value, _PLACES)  # a number: text with a minus is guarded
    return figure.name, value, figure.unit.value, figure.bound.name.lower(), formula(figure), computed(figure)


def _or_empty(value: float | None) -> object:
    return "" if value is None else round(value, 3)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.BytesIO()
    write_csv(out, header, rows)
    return out.getvalue()
