"""The report of value as one page of HTML to print or keep: no script, nothing fetched, light on paper."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape

from sipd_core.locale_id import day, moment, number
from sipd_core.roi import Figure
from sipd_core.store.assumptions import LIMITS
from sipd_core.texts import text
from sipd_core.value import COUNTED, ValueReport
from sipd_core.value_report import agreement
from sipd_core.value_words import amount, computed, formula, label, shown

_STYLE = """
:root { color-scheme: light; }
body { font: 10.5pt/1.45 "Segoe UI", system-ui, sans-serif; color: #16202a; background: #fff; max-width: 190mm;
  margin: 12mm auto; padding: 0 6mm; }
h1 { font-size: 18pt; margin: 0 0 2mm; } h2 { font-size: 12.5pt; margin: 8mm 0 2mm; }
p { margin: 0 0 2mm; } .quiet { color: #52606d; } .warn { border-left: 1mm solid #b45309; padding-left: 3mm; }
.cards { display: grid; grid-template-columns: 1fr 1fr; gap: 4mm; margin: 5mm 0; }
.card { border: 1px solid #cbd2d9; border-radius: 2mm; padding: 3mm 4mm; }
.card b { display: block; font-size: 15pt; white-space: nowrap; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: 1.2mm 2mm;
  border-bottom: 1px solid #e4e7eb; } th { border-bottom-color: #7b8794; }
td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tr, .card { break-inside: avoid; } h2 { break-after: avoid; }
@page { size: A4; margin: 14mm 12mm; } @media print { body { margin: 0; max-width: none; padding: 0; } }
"""
_CARDS = ("net", "savings", "resolved_share", "satisfaction")


def printable(report: ValueReport) -> bytes:
    """The whole page, UTF-8."""
    parts = [*_head(report), *_outcomes(report), *_figures(report), *_assumptions(report), *_definitions()]
    title = escape(text("value.report.title"))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    page = f'<!doctype html>\n<html lang="id"><head>{head}<style>{_STYLE}</style></head><body>{"".join(parts)}</body></html>'
    return page.encode("utf-8")


def _head(report: ValueReport) -> Iterable[str]:
    first, last = day(report.period.first), day(report.period.last)
    yield f"<h1>{escape(text('value.report.title'))}</h1>"
    yield _line(text("value.report.period", first=first, last=last), "quiet")
    yield _line(text("value.report.made", at=moment(report.made_at)), "quiet")
    yield _line(agreement(report), "quiet" if report.change else "warn")
    if report.unknown_price_calls:
        yield _line(text("value.unknown_note", n=number(report.unknown_price_calls)), "warn")
    figures = {figure.name: figure for figure in report.worth}
    cards = (f'<div class="card">{escape(label(name))}<b>{escape(shown(figures[name]))}</b></div>' for name in _CARDS)
    yield f'<div class="cards">{"".join(cards)}</div>'


def _outcomes(report: ValueReport) -> Iterable[str]:
    measured = report.measured
    counted = [measured.conversations, *(getattr(measured, name) for name in COUNTED)]
    yield _heading("measured")
    yield _table((), [(label(figure), shown(figure)) for figure in (*counted, *report.times)])
    if report.reasons:
        yield _heading("reasons")
        by_count = sorted(report.reasons.items(), key=lambda item: -item[1])
        yield _table((), [(text(f"value.reason.{reason}"), number(count)) for reason, count in by_count])


def _figures(report: ValueReport) -> Iterable[str]:
    yield _heading("formulas")
    header = [text(f"value.report.{name}") for name in ("figure", "value", "formula")]
    yield _table(header, [(label(figure), shown(figure), _explained(figure)) for figure in report.worth])
    costs = report.measured.model_costs
    yield _line(f"{label(costs)}: {shown(costs)}. {text('value.costs_note')}", "quiet")


def _explained(figure: Figure) -> str:
    return f"{formula(figure)}\n{computed(figure)}"


def _assumptions(report: ValueReport) -> Iterable[str]:
    yield _heading("assumptions")
    given = asdict(report.assumptions)
    yield _table(
        (),
        [(text(f"value.assumption.{name}.label"), amount(given[name], limit.unit)) for name, limit in LIMITS.items()],
    )


def _definitions() -> Iterable[str]:
    yield _heading("definitions")
    yield _table((), [(label(name), "", text(f"value.definition.{name}")) for name in COUNTED])


def _heading(name: str) -> str:
    return f"<h2>{escape(text(f'value.heading.{name}'))}</h2>"


def _line(said: str, kind: str) -> str:
    return f'<p class="{kind}">{escape(said)}</p>'


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The second column holds figures; line breaks within a cell stay."""
    top = f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in header)}</tr>" if header else ""
    return f"<table>{top}{''.join(map(_row, rows))}</table>"


def _row(cells: Sequence[str]) -> str:
    written = [escape(cell).replace("\n", "<br>") for cell in cells]
    kinds = ["", ' class="n"', ""]
    return f"<tr>{''.join(f'<td{kind}>{cell}</td>' for cell, kind in zip(written, kinds, strict=False))}</tr>"
