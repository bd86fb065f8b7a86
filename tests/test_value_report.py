"""The workbook: its formulas, evaluated by themselves over its own sheets, give the figures of the page."""

import io
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from sipd_core.roi import SOURCE, Scenario, work_out
from sipd_core.store.assumptions import Assumptions
from sipd_core.store.database import Database
from sipd_core.texts import text
from sipd_core.value import ValueReport
from sipd_core.value_exports import counted
from sipd_core.value_report import ASSUMPTIONS, COSTS, SCENARIOS, SUMMARY, TALKS, workbook
from sipd_core.value_words import label
from tests.test_value import MONTH, NOW, Desk, busy

_RANGE = re.compile(r"(?:'([^']+)'|(\w+))?!?\$?([A-Z])\$?(\d+)(?::\$?([A-Z])\$?(\d+))?")
_STRING = re.compile(r'"[^"]*"')
EIGHTY = (replace(SOURCE, automated=Decimal("0.5")), SOURCE, replace(SOURCE, running_per_month=Decimal(80)))


class Words(str):
    """Text in a cell: a spreadsheet holds it for greater than any number."""

    __slots__ = ()

    def __gt__(self, other: object) -> bool:
        return not isinstance(other, str) or str(self) > other


class Sheets:
    """Evaluates the few functions that the report uses, as a spreadsheet does: a formula at a time, on demand."""

    def __init__(self, content: bytes) -> None:
        self.book = openpyxl.load_workbook(io.BytesIO(content))

    def value(self, sheet: str, cell: str) -> Any:
        found = self.book[sheet][cell].value
        return self._evaluated(sheet, found[1:]) if isinstance(found, str) and found.startswith("=") else found

    def _evaluated(self, sheet: str, formula: str) -> Any:
        strings: list[str] = []

        def put_aside(match: re.Match[str]) -> str:
            strings.append(match[0])
            return f"\0{len(strings) - 1}\0"

        def refer(match: re.Match[str]) -> str:
            where = match[1] or match[2] or sheet
            return f"_cells({where!r},{match[3]!r},{match[4]},{match[6] or match[4]},{bool(match[6])})"

        bare = _RANGE.sub(refer, _STRING.sub(put_aside, formula)).replace("=", "==")
        bare = re.sub("\0(\\d+)\0", lambda match: strings[int(match[1])], bare)
        bare = re.sub(r"\bIF\(", "IF_(", bare.replace("IFERROR(", "IFERROR(lambda: "))
        found = eval(bare, self._functions())  # noqa: S307
        return Words(found) if isinstance(found, str) else found

    def _cells(self, sheet: str, column: str, first: int, last: int, many: bool) -> Any:
        values = [self.value(sheet, f"{column}{row}") for row in range(first, last + 1)]
        return values if many else values[0]

    def _functions(self) -> dict[str, Any]:
        def numbers(values: list[Any]) -> list[float]:
            return [float(value) for value in values if isinstance(value, int | float)]

        def if_error(work: Any, otherwise: Any) -> Any:
            try:
                return work()
            except (ZeroDivisionError, TypeError, IndexError):
                return otherwise

        return {
            "_cells": self._cells,
            "SUM": lambda values: sum(numbers(values)),
            "COUNT": lambda values: len(numbers(values)),
            "COUNTA": lambda values: sum(value is not None for value in values),
            "COUNTIF": lambda values, wanted: values.count(wanted),
            "SMALL": lambda values, rank: sorted(numbers(values))[int(rank) - 1] if rank >= 1 else [][0],
            "ROUNDUP": lambda value, _places: math.ceil(value),
            "ISNUMBER": lambda value: isinstance(value, int | float),
            "IF_": lambda test, yes, no: yes if test else no,
            "IFERROR": if_error,
        }


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def results(sheets: Sheets) -> dict[str, Any]:
    page = sheets.book[SUMMARY]
    return {page[f"A{row}"].value: sheets.value(SUMMARY, f"B{row}") for row in range(7, page.max_row + 1)}


def figures(report: ValueReport) -> Iterator[Any]:
    yield from (*counted(report), *report.times, *report.worth)


def assert_alike(report: ValueReport, found: dict[str, Any]) -> None:
    expected = {label(figure): figure.value for figure in figures(report)}
    assert set(found) == set(expected)
    for name, value in expected.items():
        if value is None:
            assert found[name] == "—", name
        else:
            assert float(found[name]) == pytest.approx(float(value), rel=1e-9), name


def test_the_formulas_alone_give_the_figures_of_the_page(desk: Desk) -> None:
    report = busy(desk)
    sheets = Sheets(workbook(report, EIGHTY))
    assert_alike(report, results(sheets))
    page = sheets.book[SUMMARY]
    assert all(str(page[f"B{row}"].value).startswith("=") for row in range(7, page.max_row + 1)), (
        "nothing is written in"
    )


def test_another_assumption_in_the_file_gives_what_the_console_would(desk: Desk) -> None:
    report = busy(desk)
    sheets = Sheets(workbook(report, EIGHTY))
    changed = replace(Assumptions(), minutes_by_hand=Decimal(45), wage_per_hour=Decimal(50_000))
    for row, value in enumerate(asdict(changed).values(), start=2):
        sheets.book[ASSUMPTIONS][f"B{row}"] = float(value)
    desk.room.assumptions.save(changed, actor="Bu Rina", based_on=None)
    assert_alike(desk.room.report(MONTH), results(sheets))


def test_a_conversation_taken_out_of_the_file_is_taken_out_of_the_figures(desk: Desk) -> None:
    report = busy(desk)
    sheets = Sheets(workbook(report, EIGHTY))
    before = results(sheets)
    page = sheets.book[TALKS]
    row = next(row for row in range(2, page.max_row + 1) if page[f"C{row}"].value == label("confirmed"))
    page[f"C{row}"] = label("unresolved")
    after = results(sheets)
    assert after[label("confirmed")] == before[label("confirmed")] - 1
    assert after[label("net")] == pytest.approx(before[label("net")] - 20 / 60 * 35_000 - 10_000)


def test_unknown_prices_are_no_zero_in_the_file_either(desk: Desk) -> None:
    desk.say("a")
    desk.spend(None)
    desk.now = NOW
    report = desk.room.report(MONTH)
    sheets = Sheets(workbook(report, EIGHTY))
    assert_alike(report, results(sheets))
    assert results(sheets)[label("net")] == "—"
    desk.spend("0.25")
    report = desk.room.report(MONTH)
    sheets = Sheets(workbook(report, EIGHTY))
    assert_alike(report, results(sheets))
    page = sheets.book[SUMMARY]
    remarks = {page[f"A{row}"].value: page[f"D{row}"].value for row in range(7, page.max_row + 1)}
    assert remarks[label("net")] == text("value.report.bound.at_most")
    assert remarks[label("model_costs")] == text("value.report.bound.at_least")


def test_an_empty_period_gives_a_report_too(desk: Desk) -> None:
    report = desk.room.report(MONTH)
    assert_alike(report, results(Sheets(workbook(report, EIGHTY))))


def test_the_scenarios_are_worked_out_in_the_file(desk: Desk) -> None:
    sheets = Sheets(workbook(desk.room.report(MONTH), EIGHTY))
    first = len(fields(Scenario)) + 2
    for column, scenario in zip("BCD", EIGHTY, strict=True):
        for row, figure in enumerate(work_out(scenario), start=first):
            assert float(sheets.value(SCENARIOS, f"{column}{row}")) == pytest.approx(float(figure.value or 0)), (
                figure.name
            )
    assert round(sheets.value(SCENARIOS, f"C{first + 7}") * 100) == 6_828


def test_what_people_typed_cannot_run(desk: Desk) -> None:
    desk.say("a", "=HYPERLINK(evil)")
    desk.spend("1")
    sheets = Sheets(workbook(desk.room.report(MONTH), EIGHTY))
    typed = sheets.book[TALKS]["M2"]
    assert (typed.value, typed.data_type) == ("'=HYPERLINK(evil)", "s")
    assert sheets.value(COSTS, "F2") == 16_000


def test_the_file_says_whether_anybody_agreed(desk: Desk) -> None:
    assert Sheets(workbook(desk.room.report(MONTH), EIGHTY)).value(SUMMARY, "A4") == text("value.report.unconfirmed")
    desk.room.assumptions.save(Assumptions(), actor="=Bu Rina", based_on=None)
    assert "Bu Rina" in Sheets(workbook(desk.room.report(MONTH), EIGHTY)).value(SUMMARY, "A4")
