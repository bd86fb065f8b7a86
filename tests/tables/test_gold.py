"""Gold files as people write them: separators, headers, bad rows by name, and back again as they were."""

import io

import pytest

from sipd_core.errors import TableError
from sipd_core.tables.gold import GoldRow, gold_csv, read_gold, split_references


def read(content: str | bytes, name: str = "set.csv") -> tuple[tuple[GoldRow, ...], list[int]]:
    table = read_gold(name, io.BytesIO(content.encode() if isinstance(content, str) else content))
    return table.rows, [rejection.row for rejection in table.rejections]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_separator_and_encoding_are_recognised_though_questions_are_full_of_commas(
    separator: str, encoding: str
) -> None:
    lines = [
        separator.join(("query", "gold", "style")),
        separator.join(('"min, sp2d blm cair, é gimana, ya"', "a|b", "kasual")),
    ]
    rows, _ = read("\n".join(lines).encode(encoding))
    assert rows == (GoldRow(2, "min, sp2d blm cair, é gimana, ya", ("a", "b"), "kasual"),)


def test_the_order_of_columns_and_further_ones_do_not_matter() -> None:
    rows, _ = read("qid,Gaya,KASUS,Pertanyaan\nG1,formal,log.csv:3,Jurnal tidak seimbang\n")
    assert rows == (GoldRow(2, "Jurnal tidak seimbang", ("log.csv:3",), "formal"),)


def test_without_a_column_of_cases_every_question_is_out_of_scope() -> None:
    rows, _ = read("query,kind\nresep sayur asem,jauh\n")
    assert rows == (GoldRow(2, "resep sayur asem", (), "jauh"),)


def test_bad_rows_are_named_and_the_others_taken() -> None:
    """A message of question marks alone is one that people send."""
    rows, bad = read('query,gold\n,a\nbaik,b\n"  ?? ",c\n' + "x" * 10_001 + ",d\n")
    assert ([row.row for row in rows], bad) == ([3, 4], [2, 5])


def test_a_single_column_is_a_list_of_questions_out_of_scope() -> None:
    assert read("query\nsiapa presiden pertama, ya\n")[0] == (GoldRow(2, "siapa presiden pertama, ya"),)


@pytest.mark.parametrize("content", ["MENU,ISSUE\na,b\n", "", "   \n"])
def test_a_file_without_questions_is_refused_with_what_to_do(content: str) -> None:
    with pytest.raises(TableError) as refused:
        read(content)
    assert refused.value.user_text


def test_too_many_questions_are_refused() -> None:
    with pytest.raises(TableError, match="too many"):
        read("query\n" + "apa ini\n" * 5_001)


def test_what_is_written_is_read_back_and_runs_in_no_spreadsheet() -> None:
    rows = [("=1+1 sp2d; belum\ncair", ("a", "b"), "@gaya"), ("di luar", (), "")]
    content = gold_csv(rows)
    assert b"\n=1+1" not in content and b",@gaya" not in content
    found, bad = read(content)
    assert [(row.query, row.references, row.style) for row in found] == rows and bad == []


def test_a_workbook_is_read_by_its_first_sheet() -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for line in (("query", "gold", "style"), ("sp2d belum cair", "log.csv:1", "formal"), (None, None, None)):
        book.active.append(line)
    out = io.BytesIO()
    book.save(out)
    assert read(out.getvalue(), "set.xlsx")[0] == (GoldRow(2, "sp2d belum cair", ("log.csv:1",), "formal"),)


def test_references_come_once_each() -> None:
    assert split_references(" a | b|a||") == ("a", "b")
