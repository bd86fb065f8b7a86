"""Quotation: well-formed files come out as the standard reader gives them, damaged ones lose no row in silence."""

import csv
import io
import random

import pytest

from sipd_core.tables.delimited import parse
from sipd_core.tables.model import Fault


def cells(text: str, delimiter: str = ",") -> list[tuple[str, ...]]:
    return [record.cells for record in parse(io.StringIO(text, newline=""), delimiter)]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_agrees_with_the_standard_reader_on_sound_files(delimiter: str, quoting: int) -> None:
    chance = random.Random(7)
    pieces = ["a", '"', "\n", "\r\n", ",", ";", "\t", "|", " ", "teks", '""', '"kata"', '\n"']
    rows = [["".join(chance.choices(pieces, k=chance.randrange(8))) for _ in range(5)] for _ in range(400)]
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    records = list(parse(io.StringIO(target.getvalue(), newline=""), delimiter))
    assert [list(record.cells) for record in records] == rows
    assert not any(record.fault for record in records)


def test_an_open_quote_takes_the_rest_as_one_fault() -> None:
    text = 'a,b\n1,"buka\n2,dua\n3,tiga\n'
    records = list(parse(io.StringIO(text), ","))
    assert [record.cells for record in records[:1]] == [("a", "b")]
    assert [record.fault for record in records[1:]] == [Fault(first=2, last=4, column=2)]


def test_reading_goes_on_where_a_later_quote_shows_the_damage() -> None:
    text = 'h,i,j\n1,"buka,x\n2,dua,y\n3,"koma, di sini",z\n4,empat,w\n'
    records = list(parse(io.StringIO(text), ","))
    assert [record.fault for record in records if record.fault] == [Fault(2, 3, 2)]
    assert [record.cells for record in records if not record.fault] == [
        ("h", "i", "j"), ("3", "koma, di sini", "z"), ("4", "empat", "w"),
    ]  # fmt: skip


def test_fully_quoted_files_recover_on_the_next_line() -> None:
    text = '"h","i"\n"1","buka\n"2","dua"\n'
    records = list(parse(io.StringIO(text), ","))
    assert [record.cells for record in records if not record.fault] == [("h", "i"), ("2", "dua")]


def test_quoted_words_inside_texts_stay() -> None:
    assert cells('a,"error" saat simpan,c\n') == [("a", '"error" saat simpan', "c")]
    assert cells('a,muncul "error",c\n') == [("a", 'muncul "error"', "c")]
    assert cells('a,"dia bilang "error" lagi",c\n') == [("a", 'dia bilang "error" lagi', "c")]
    assert cells('a,"error" saat,"x, y"\n') == [("a", '"error" saat', "x, y")]


def test_unescaped_words_in_a_cell_of_two_lines() -> None:
    assert cells('a,"muncul "error" saja\nlagi",c\n') == [("a", 'muncul "error" saja\nlagi', "c")]
    # At the end of a line the word's mark closes the cell; both halves are marked, so neither passes for a row.
    records = list(parse(io.StringIO('a,"muncul "error"\nlagi",c\n'), ","))
    assert [record.stray_quote and len(record.cells) < 3 for record in records] == [True, True]


def test_a_misquoted_line_is_marked() -> None:
    (record,) = parse(io.StringIO('"1","buka,"dua",""\n'), ",")
    assert record.stray_quote
    assert len(record.cells) < 4
