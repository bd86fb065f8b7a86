"""The report to hand in, an XLSX whose figures are live formulas over its own sheets of assumptions, talks and costs.

One reason to change: the layout of that workbook. The formulas come from the same trees that computed the page.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sipd_core.locale_id import day, moment
from sipd_core.roi import Bound, Figure, Scenario, Sign, Unit, unit_of, work_out
from sipd_core.store.assumptions import LIMITS
from sipd_core.store.outcomes import ConversationOutcome
from sipd_core.tables.exports import workbook_cell
from sipd_core.texts import text
from sipd_core.usage import JAKARTA
from sipd_core.value import COUNTED, PERCENTILES, DayCost, ValueReport
from sipd_core.value_words import formula, label

if TYPE_CHECKING:
    from openpyxl import Workbook  # type: ignore[import-untyped]

SIGNS: Mapping[Sign, str] = {Sign.PLUS: "+", Sign.MINUS: "-", Sign.TIMES: "*", Sign.OVER: "/"}
FORMATS: Mapping[Unit, str] = {
    Unit.COUNT: "#,##0",
    Unit.SHARE: "#,##0.0%",
    Unit.MINUTES: '#,##0 "menit"',
    Unit.SECONDS: '#,##0.0 "detik"',
    Unit.DAYS: '#,##0 "hari"',
    Unit.HOURS: '#,##0 "jam"',
    Unit.RUPIAH: '"Rp "#,##0',
    Unit.USD: '"US$ "#,##0.00',
}
TALKS, COSTS, ASSUMPTIONS, SUMMARY, SCENARIOS = "Percakapan", "Biaya model", "Asumsi", "Nilai", "Skenario"
TALK_COLUMNS = (
    "id", "began", "outcome", "resolved_by", "messages", "questions", "reopened", "helpful", "unhelpful", "reasons",
    "first", "last", "title",
)  # fmt: skip
_UNKNOWN = '"—"'
_FRACTIONS = frozenset((Unit.COUNT, Unit.MINUTES, Unit.HOURS, Unit.DAYS))


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a sheet: values, with a format for those that need one; strong lines are headings."""

    values: Sequence[object]
    formats: Mapping[int, str] = field(default_factory=dict)
    strong: bool = False


def workbook(report: ValueReport, scenarios: Sequence[Scenario]) -> bytes:
    """The whole report; `scenarios` are (low, expected, high), in US dollars."""
    # Imported here because openpyxl costs a quarter of a second that a start does not need.
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    _sheet(book, SUMMARY, (46, 20, 70, 44), _summary(report))
    _sheet(book, ASSUMPTIONS, (36, 20, 80), _assumptions(report))
    _sheet(book, SCENARIOS, (40, 18, 18, 18), _scenarios(scenarios))
    _sheet(book, COSTS, (14, 12, 18, 16, 14, 18), _costs(report.costs))
    _sheet(book, TALKS, (34, 18, 26, 16, 10, 12, 12, 12, 12, 34, 16, 16, 60), _talks(report))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _format(unit: Unit, value: Decimal | None) -> str:
    """Decimals where there are some: Excel would leave a lonely separator behind a whole number."""
    whole = value is None or value == value.to_integral_value()
    return FORMATS[unit] if whole or unit not in _FRACTIONS else FORMATS[unit].replace("#,##0", "#,##0.00")


def _sheet(book: "Workbook", title: str, widths: Sequence[int], lines: Iterable[_Line]) -> None:
    from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]
    from openpyxl.styles import Alignment, Font  # type: ignore[import-untyped]
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]
    from openpyxl.worksheet.properties import PageSetupProperties  # type: ignore[import-untyped]

    sheet = book.create_sheet(title)
    sheet.freeze_panes = f"A{_FIRST if title == SUMMARY else 2}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    for place, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    strong, wrapped = Font(name="Calibri", size=11, bold=True), Alignment(wrap_text=True, vertical="top")
    for line in lines:
        if not (line.strong or line.formats):
            sheet.append(line.values)
            continue
        cells = [WriteOnlyCell(sheet, value) for value in line.values]
        for place, cell in enumerate(cells):
            cell.number_format = line.formats.get(place, "General")
            cell.alignment = wrapped
            if line.strong:
                cell.font = strong
        sheet.append(cells)


# --- the summary -----------------------------------------------------------------------------------------------------

_FIRST = 7
"""Row of the first figure."""


def _summary(report: ValueReport) -> Iterator[_Line]:
    figures = _figures(report)
    cells = {figure.name: f"B{row}" for row, figure in enumerate(figures, start=_FIRST)} | _assumption_cells()
    yield _Line([text("value.report.title")], strong=True)
    yield _Line([text("value.report.period", first=day(report.period.first), last=day(report.period.last))])
    yield _Line([text("value.report.made", at=moment(report.made_at))])
    yield _Line([workbook_cell(agreement(report))])
    yield _Line([])
    yield _Line([text(f"value.report.{name}") for name in ("figure", "value", "formula", "remark")], strong=True)
    for row, figure in enumerate(figures, start=_FIRST):
        content = _live(figure, cells) if figure.made else _counted(figure, row, report)
        yield _Line([label(figure), content, formula(figure), _remark(figure)], {1: _format(figure.unit, figure.value)})


def _figures(report: ValueReport) -> tuple[Figure, ...]:
    measured = report.measured
    counted = (getattr(measured, name) for name in (*COUNTED, "conversations", "helpful", "unhelpful", "model_costs"))
    return *counted, *report.times, *report.worth


def agreement(report: ValueReport) -> str:
    """Who agreed to the assumptions, or that nobody has."""
    change = report.change
    if change is None:
        return text("value.report.unconfirmed")
    return text("value.report.confirmed", actor=change.actor, at=moment(change.at))


def _counted(figure: Figure, row: int, report: ValueReport) -> str:
    """The formula of a figure that is read from the sheets."""
    talks, costs = len(report.conversations), len(report.costs)
    if figure.name in COUNTED:
        return f"=COUNTIF({_column(TALKS, 'C', talks)},A{row})"
    if figure.name == "conversations":
        return f'=COUNTA({_column(TALKS, "A", talks)})-COUNTIF({_column(TALKS, "C", talks)},"{label("no_question")}")'
    if figure.name in {"helpful", "unhelpful"}:
        return f"=SUM({_column(TALKS, 'H' if figure.name == 'helpful' else 'I', talks)})"
    if figure.name == "model_costs":
        known, missing = f"SUM({_column(COSTS, 'F', costs)})", f"SUM({_column(COSTS, 'C', costs)})"
        return f"=IF({missing}>0,IF({known}=0,{_UNKNOWN},{known}),{known})"
    name, rank = figure.name.split("_")
    seconds = _column(TALKS, "K" if name == "first" else "L", talks)
    return f"=IFERROR(SMALL({seconds},ROUNDUP({PERCENTILES[rank]}*COUNT({seconds}),0)),{_UNKNOWN})"


def _live(figure: Figure, cells: Mapping[str, str]) -> str:
    written = figure.written(lambda part: cells[part.name] if part.name else f"{part.value:f}", SIGNS)
    safe = f"IFERROR({written},{_UNKNOWN})"
    if figure.name != "payback_days":
        return f"={safe}"
    earned = cells.get("earned", cells["net"])
    return f"=IF(ISNUMBER({earned}),IF({earned}>0,{safe},{_UNKNOWN}),{_UNKNOWN})"


def _remark(figure: Figure) -> str:
    if figure.bound is Bound.EXACT:
        return ""
    known = "unknown" if figure.value is None else "at_least" if figure.bound is Bound.AT_LEAST else "at_most"
    return text(f"value.report.bound.{known}")


def _column(sheet: str, column: str, rows: int) -> str:
    return f"'{sheet}'!${column}$2:${column}${max(rows, 1) + 1}"


# --- what it refers to -----------------------------------------------------------------------------------------------


def _assumption_cells() -> dict[str, str]:
    names = [*LIMITS, "days"]
    return {name: f"{ASSUMPTIONS}!$B${row}" for row, name in enumerate(names, start=2)}


def _assumptions(report: ValueReport) -> Iterator[_Line]:
    given: dict[str, Decimal] = asdict(report.assumptions)
    yield _Line([text(f"value.report.{name}") for name in ("assumption", "value", "meaning")], strong=True)
    for name, limit in LIMITS.items():
        said = [text(f"value.assumption.{name}.{part}") for part in ("label", "help")]
        yield _Line([said[0], given[name], said[1]], {1: _format(limit.unit, given[name])})
    days = report.measured.days
    yield _Line([label(days), days.value, text("value.report.days_help")], {1: _format(Unit.DAYS, days.value)})


def _costs(costs: Sequence[DayCost]) -> Iterator[_Line]:
    names = ("day", "calls", "unknown", "usd", "rate", "rupiah")
    yield _Line([text(f"value.report.cost.{name}") for name in names], strong=True)
    for row, of in enumerate(costs, start=2):
        values = of.day, of.calls, of.unknown_price_calls, of.cost_usd, of.rate, f"=D{row}*E{row}"
        yield _Line(values, {0: "yyyy-mm-dd", 3: '"US$ "0.000000', 5: '"Rp "#,##0.00'})


def _talks(report: ValueReport) -> Iterator[_Line]:
    yield _Line([text(f"value.talk.{name}") for name in TALK_COLUMNS], strong=True)
    titles = report.titles(one.id for one in report.conversations)
    for one in report.conversations:
        yield _Line([workbook_cell(value) for value in _talk(one, titles[one.id])])


def _talk(one: ConversationOutcome, title: str) -> tuple[Any, ...]:
    return (
        one.id,
        f"{one.began.astimezone(JAKARTA):%Y-%m-%d %H:%M}",
        label(one.outcome.value),
        text(f"value.by.{one.resolved_by}") if one.resolved_by else "",
        one.messages,
        one.questions,
        one.reopened,
        one.helpful,
        one.unhelpful,
        ", ".join(text(f"value.reason.{reason}") for reason in one.reasons),
        one.first_answer_seconds,
        one.last_answer_seconds,
        title,
    )


# --- the scenarios ---------------------------------------------------------------------------------------------------


def _scenarios(scenarios: Sequence[Scenario]) -> Iterator[_Line]:
    sides = [text(f"value.scenario.{side}") for side in ("low", "expected", "high")]
    yield _Line([text("value.scenario.heading"), *sides], strong=True)
    results = [tuple(work_out(scenario)) for scenario in scenarios]
    names = [each.name for each in fields(Scenario)]
    rows = {name: row for row, name in enumerate([*names, *(figure.name for figure in results[0])], start=2)}
    for name in names:
        values: list[Decimal] = [getattr(scenario, name) for scenario in scenarios]
        unit = unit_of(name, Unit.USD)
        shown = {place: _format(unit, value) for place, value in enumerate(values, start=1)}
        yield _Line([text(f"value.scenario.{name}"), *values], shown)
    for figures in zip(*results, strict=True):
        lives = [
            _live(figure, {name: f"{column}{row}" for name, row in rows.items()})
            for figure, column in zip(figures, "BCD", strict=True)
        ]
        shown = {place: _format(figure.unit, figure.value) for place, figure in enumerate(figures, start=1)}
        yield _Line([text(f"value.scenario.{figures[0].name}"), *lives], shown)
    yield _Line([])
    yield _Line([text("value.scenario.source")])
