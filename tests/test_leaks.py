"""Nothing personal of an uploaded workbook is left anywhere: not in SQL, its log, the index, the caches, or the log file."""

import logging
import time
from pathlib import Path

import pytest

from sipd_core.blocking import BlockingEngine
from sipd_core.knowledge.previews import Draft, DraftState
from sipd_core.settings import Settings
from tests.workbooks import Workbook, leaked, make_workbook


@pytest.fixture(scope="module")
def workbook() -> Workbook:
    return make_workbook(sheets=4, padded=40, rows=80, seed=11)


def uploaded(engine: BlockingEngine, name: str, content: bytes) -> Draft:
    id_ = engine.uploads.open(name, content).id
    deadline = time.monotonic() + 120
    while (draft := engine.uploads.draft(id_)).state in (DraftState.WAITING, DraftState.READING):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return draft


def in_files(secrets: tuple[str, ...], folder: Path) -> dict[str, list[str]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    assert any("chroma" in path.parts for path in files)
    found = {str(path.relative_to(folder)): leaked(secrets, path.read_bytes()) for path in files}
    return {path: secrets for path, secrets in found.items() if secrets}


def test_the_workbook_is_full_of_secrets(workbook: Workbook) -> None:
    """The search would find them: otherwise the next test could not fail."""
    assert len(workbook.secrets) > 200
    assert leaked(("Kenanga#1234",), "x Kenanga#1234 y".encode("utf-16-le")) == ["Kenanga#1234"]


def test_no_secret_is_left_behind(workbook: Workbook, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    engine = BlockingEngine(settings, load_samples=False)
    try:
        draft = uploaded(engine, "log.xlsx", workbook.content)
        assert draft.report is not None
        assert (draft.report.accepted, draft.report.duplicates) == (
            workbook.rows - workbook.duplicates,
            workbook.duplicates,
        )
        assert leaked(workbook.secrets, repr(draft).encode()) == []
        assert in_files(workbook.secrets, settings.sipd_data_dir) == {}
        report = engine.uploads.confirm(draft.id, "uji")
        engine.wait_until_indexed()
        for kind in ("csv", "xlsx"):
            assert leaked(workbook.secrets, engine.uploads.rejected_file(report.id, kind)) == []
        assert leaked(workbook.secrets, engine.export_rows()) == []
        assert in_files(workbook.secrets, settings.sipd_data_dir) == {}
    finally:
        engine.close()
    assert in_files(workbook.secrets, settings.sipd_data_dir) == {}
    assert leaked(workbook.secrets, caplog.text.encode()) == []


def test_the_same_workbook_again_brings_and_embeds_nothing(workbook: Workbook, settings: Settings) -> None:
    engine = BlockingEngine(settings, load_samples=False)
    try:
        early = uploaded(engine, "log.xlsx", workbook.content)
        engine.wait_until_prepared()
        first = engine.uploads.draft(early.id)  # what the model must read is known as soon as there is one
        assert first.estimate is not None and first.estimate.free
        engine.uploads.confirm(first.id, "uji")
        engine.wait_until_indexed()
        assert engine.embedded_texts() == first.estimate.texts > 0
        again = uploaded(engine, "log.xlsx", workbook.content)
        assert again.report is not None and again.estimate is not None
        assert (again.report.accepted, again.estimate.texts) == (0, 0)
        engine.uploads.confirm(again.id, "uji")
        engine.wait_until_indexed()
        assert engine.embedded_texts() == first.estimate.texts
    finally:
        engine.close()
