"""Uploads through the whole engine: what an import will cost, how far it is, how it is paused, and what a restart leaves."""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sipd_core.blocking import BlockingEngine
from sipd_core.documents import ImportStatus
from sipd_core.errors import NotFoundError
from sipd_core.knowledge.previews import Draft, DraftState
from sipd_core.settings import Settings, load_settings
from tests.provider import EMBEDDING_MODEL, Provider
from tests.workbooks import make_workbook

ROUND = 32
"""Cases that the bundled model reads between two commits."""
LOG = b"MENU,ISSUE,EXPECTED\nLogin,tidak bisa masuk,Reset sandi di menu Pengguna\nDPA,pagu beda,\n"


def until(holds: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def read(engine: BlockingEngine, content: bytes = LOG, name: str = "log.csv") -> Draft:
    id_ = engine.uploads.open(name, content).id
    until(lambda: engine.uploads.draft(id_).state not in (DraftState.WAITING, DraftState.READING))
    return engine.uploads.draft(id_)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider(dimension=64) as made:
        yield made


def hosted(folder: Path, provider: Provider, **changes: object) -> Settings:
    figures: dict[str, object] = {
        "nebius_base_url": provider.url,
        "nebius_api_key": provider.key,
        "nebius_model_id": "local",
        "embedding_dimension": 64,
        "load_sample_data": False,
    }
    return load_settings(_env_file=None, sipd_data_dir=folder, **(figures | changes))


def opened(settings: Settings) -> BlockingEngine:
    engine = BlockingEngine(settings, load_samples=False)
    engine.wait_until_prepared()
    return engine


def test_a_hosted_model_is_foretold_in_money_and_asked_nothing_before_the_yes(
    tmp_path: Path, provider: Provider
) -> None:
    engine = opened(hosted(tmp_path / "data", provider))
    try:
        engine.wait_until_indexed()
        until(lambda: engine.status().takeover is None)
        asked = len(provider.requests)
        estimate = read(engine).estimate
        assert estimate is not None
        assert (estimate.texts, estimate.free, estimate.model) == (4, False, f"{EMBEDDING_MODEL}/64")
        assert estimate.cost_usd is not None and 0 < estimate.cost_usd < 1
        assert estimate.cost_idr == estimate.cost_usd * engine.costs().usd_idr
        assert estimate.seconds is None
        assert len(provider.requests) == asked
    finally:
        engine.close()


def test_a_price_that_nobody_knows_is_not_zero(tmp_path: Path, provider: Provider) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    prices = "model,valid_from,prompt,cached,completion\nlain,2026-01-01,1,,\n"
    (folder / "prices.csv").write_text(prices, encoding="utf-8")
    engine = opened(hosted(folder, provider))
    try:
        engine.wait_until_indexed()
        until(lambda: engine.status().takeover is None)
        estimate = read(engine).estimate
        assert estimate is not None
        assert (estimate.free, estimate.cost_usd, estimate.cost_idr) == (False, None, None)
    finally:
        engine.close()


def test_the_bundled_model_is_free_and_its_pace_is_measured(settings: Settings) -> None:
    engine = opened(settings)
    try:
        estimate = read(engine).estimate
        assert estimate is not None
        assert (estimate.texts, estimate.free, estimate.cost_usd) == (4, True, 0)
        assert estimate.seconds is not None and estimate.seconds > 0
        before = engine.embedded_texts()
        assert before == 0
    finally:
        engine.close()


@pytest.fixture(scope="module")
def workbook() -> bytes:
    return make_workbook(sheets=2, padded=80, rows=160, seed=9).content


def test_an_import_is_paused_goes_on_after_a_restart_and_is_cancelled(settings: Settings, workbook: bytes) -> None:
    engine = opened(settings)
    report = engine.uploads.confirm(read(engine, workbook, "log.xlsx").id, "a")
    until(lambda: any(one.done > ROUND for one in engine.uploads.progress()))
    engine.pause_import(report.id)
    (paused,) = engine.uploads.progress()
    assert (paused.file, paused.total, paused.paused, paused.remaining_seconds) == ("log.xlsx", 144, True, None)
    assert 0 < paused.done < paused.total
    engine.wait_until_indexed()
    read_before = engine.embedded_texts()
    assert engine.uploads.progress() == (paused,)
    engine.close()

    engine = opened(settings)
    try:
        engine.wait_until_indexed()
        assert engine.uploads.progress() == (paused,)
        assert engine.embedded_texts() == 0
        engine.resume_import(report.id)
        until(lambda: any(one.done > paused.done for one in engine.uploads.progress()))
        (running,) = engine.uploads.progress()
        assert running.rate and running.remaining_seconds
        engine.undo_change(report.id, "a")
        assert engine.uploads.progress() == ()
        assert engine.status().cases == 0
        assert engine.imports()[0].status is ImportStatus.UNDONE
        engine.wait_until_indexed()
        kept = engine.embedded_texts()
        assert read_before + kept < 2 * paused.total  # it stopped before everything was read
        engine.redo_change(report.id, "a")
        engine.wait_until_indexed()
        assert read_before + engine.embedded_texts() <= 2 * paused.total  # nothing was read twice
        assert engine.imports()[0].status is ImportStatus.DONE
    finally:
        engine.close()


def test_drafts_end_with_the_process_and_leave_nothing(settings: Settings) -> None:
    engine = opened(settings)
    draft = read(engine)
    engine.close()
    engine = opened(settings)
    try:
        assert engine.uploads.drafts() == ()
        with pytest.raises(NotFoundError):
            engine.uploads.draft(draft.id)
        assert engine.imports() == ()
    finally:
        engine.close()


def test_closing_does_not_wait_for_a_long_file(settings: Settings) -> None:
    engine = opened(settings)
    rows = b"".join(b"Menu,aduan nomor %d tidak dapat dibuka sejak pagi,x\n" % at for at in range(60_000))
    draft = engine.uploads.open("besar.csv", b"MENU,ISSUE,EXPECTED\n" + rows)
    until(lambda: engine.uploads.draft(draft.id).share > 0)
    started = time.monotonic()
    engine.close()
    assert time.monotonic() - started < 15


def test_a_file_on_disk_is_read_as_a_draft_is(settings: Settings, workbook: bytes) -> None:
    engine = opened(settings)
    try:
        preview = engine.preview("log.xlsx", io.BytesIO(workbook))
        draft = read(engine, workbook, "log.xlsx")
        assert draft.report is not None
        same = ("accepted", "rejected", "duplicates", "masked", "reasons", "notices")
        assert [getattr(preview, name) for name in same] == [getattr(draft.report, name) for name in same]
    finally:
        engine.close()
