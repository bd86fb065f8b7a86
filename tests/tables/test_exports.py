"""Exports that no spreadsheet runs, and that come back as they left."""

import io
from decimal import Decimal
from pathlib import Path

import pytest

from sipd_core.tables import read_table, safe_cell, write_csv


@pytest.mark.parametrize("text", ["=1+1", "+62 812", "-1+1", "@SUM(1)", "\t=1", "\r=1"])
def test_texts_that_would_run_get_an_apostrophe(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "biasa", "a=1", " spasi", "'sudah", "5.1.02"])
def test_other_texts_stay(text: str) -> None:
    assert safe_cell(text) == text


def test_file_has_a_byte_order_mark_and_numbers_stay_numbers(tmp_path: Path) -> None:
    path = tmp_path / "biaya.csv"
    write_csv(path, ["hari", "=biaya"], [["-x", -3, Decimal("-1.5"), None]])
    assert path.read_bytes() == "\ufeffhari,'=biaya\r\n'-x,-3,-1.5,\r\n".encode()


def test_an_export_read_again_is_the_same() -> None:
    rows = [("=menu", '=HYPERLINK("x"), "kutip"\nbaris dua', "-1"), ("é", "+cmd|' /C calc'!A0", "  rata kiri")]
    target = io.BytesIO()
    write_csv(target, ["MENU", "ISSUE", "EXPECTED"], rows)
    table = read_table("ekspor.csv", target)
    assert [(row.menu, row.issue, row.expected) for row in table.rows] == rows
