"""Every file that any page hands out is safe to open in a spreadsheet, whatever was put in.

The pages run whole; what stands behind each of their download buttons is fetched and read. A new export is found by itself.
"""

import csv
import io
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from openpyxl import load_workbook  # type: ignore[import-untyped]
from streamlit.testing.v1 import AppTest

from pages.shell import downloads, resources
from sipd_core.blocking import BlockingEngine
from tests.hostile import fill
from tests.ui.console import Opener, started

URL = "http://127.0.0.1:9"
PAGES = (
    "pengetahuan", "jawaban", "eskalasi", "kesehatan", "belajar", "laboratorium", "impor", "kinerja", "biaya", "nilai",
    "peringatan", "audit", "pengguna", "kunci_api",
)  # fmt: skip
PARTS = {
    "laboratorium": ("lab.section", ("sets", "runs", "compare", "force")),
    "kesehatan": ("health.section", ("clusters", "texts", "menus", "changes")),
    "biaya": ("cost.section", ("detail", "tariffs", "invoices")),
    "kinerja": ("performance.section", ("traffic", "troubles", "slowest")),
    "nilai": ("value.section", ("talks", "assumptions", "scenario")),
}
WITH_ROWS = {"pengetahuan", "jawaban", "eskalasi", "kesehatan", "laboratorium", "audit", "nilai", "kinerja", "biaya"}
"""Pages that must hand out something."""
_RUNS = re.compile(r"^[=+\-@\t\r＝＋－＠]")
_NUMBER = re.compile(r"^[+-]?\d+([.,]\d+)*(e[+-]?\d+)?$", re.IGNORECASE)
_HOSTILE = re.compile(r"HYPERLINK|cmd\||127\.0\.0\.1|jahat", re.IGNORECASE)

File = tuple[str, Callable[[], bytes]]


@pytest.fixture(scope="module")
def filled(prepared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingEngine]:
    made = started(shutil.copytree(prepared_folder, tmp_path_factory.mktemp("hostile") / "data"))
    fill(made, URL)
    made.health.look()
    yield made
    made.close()


@pytest.fixture
def handed_out(filled: BlockingEngine, monkeypatch: pytest.MonkeyPatch) -> list[File]:
    """What stands behind each download button that is drawn."""
    files: list[File] = []
    draw = st.download_button

    def noted(label: str, data: Callable[[], bytes], *, file_name: str, **options: Any) -> bool:
        files.append((file_name, data))
        return draw(label, b"", file_name=file_name, **options)

    monkeypatch.setattr(resources, "_engine", filled)
    monkeypatch.setattr(downloads, "running_engine", lambda: None)  # the audit of a download wants a browser's address
    monkeypatch.setattr(st, "download_button", noted)
    return files


def sections(app: AppTest, page: str) -> Iterator[AppTest]:
    """The page, and each of its parts that are shown one at a time."""
    yield app
    key, names = PARTS.get(page, ("", ()))
    for name in names:
        app.session_state[key] = name
        yield app.run()


def runs(content: bytes) -> list[str]:
    """Cells of a CSV that a spreadsheet would run."""
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    return [cell for row in rows for cell in row if _RUNS.match(cell) and not _NUMBER.match(cell)]


def formulas(content: bytes) -> list[str]:
    """Formulas of a workbook that hold something hostile; those of ours do not."""
    book = load_workbook(io.BytesIO(content))
    cells = (cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row)
    return [str(cell.value) for cell in cells if cell.data_type == "f" and _HOSTILE.search(str(cell.value))]


def looked_at(name: str, content: bytes) -> int:
    """Assert that a file is safe; how many files it was."""
    if name.endswith(".csv"):
        assert runs(content) == [], name
        return 1
    if name.endswith(".xlsx"):
        assert formulas(content) == [], name
        return 1
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return sum(looked_at(inner, packed.read(inner)) for inner in packed.namelist())
    if name.endswith(".html"):
        said = content.decode()
        assert "<script>window" not in said and "<img src=x" not in said and f'src="{URL}' not in said, name
        return 1
    return 0


@pytest.mark.parametrize("page", PAGES)
def test_no_file_of_a_page_runs(page: str, open_page: Opener, handed_out: list[File]) -> None:
    for app in sections(open_page(page), page):
        assert not app.exception, page
    names = {name: content for name, content in handed_out}
    assert sum(looked_at(name, content()) for name, content in names.items()) > 0 or page not in WITH_ROWS


def test_the_check_itself_finds_what_runs() -> None:
    assert runs(b"a,b\n=1+1,x\n") == ["=1+1"] and runs(b"a,b\n'=1+1,-3.5\n") == []
