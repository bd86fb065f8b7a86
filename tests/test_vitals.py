"""Parts are asked, not believed: what does not answer is told, what stands in for it too."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sipd_core import vitals as module
from sipd_core.blocking import BlockingEngine
from sipd_core.settings import Settings
from sipd_core.status import Condition, Part
from sipd_core.vitals import KEPT_SECONDS, Vitals
from tests.clock import Clock


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vitals") / "data"


@pytest.fixture
def engine(settings: Settings, folder: Path) -> Iterator[BlockingEngine]:
    made = BlockingEngine(settings.model_copy(update={"sipd_data_dir": folder}))
    made.wait_until_prepared(300)
    yield made
    made.close()


def look(vitals: Vitals) -> dict[Part, Condition]:
    return {one.part: one.condition for one in vitals.look()}


def test_all_is_well(engine: BlockingEngine) -> None:
    assert look(engine.vitals) | {Part.DISK: Condition.OK} == {
        Part.SQL: Condition.OK,
        Part.CHROMA: Condition.OK,
        Part.MODEL: Condition.OK,
        Part.PROVIDER: Condition.OFF,
        Part.DISK: Condition.OK,
    }


def test_what_stands_in_is_told(engine: BlockingEngine, settings: Settings, folder: Path) -> None:
    beside = BlockingEngine(settings.model_copy(update={"sipd_data_dir": folder}))
    beside.wait_until_prepared(300)
    assert look(beside.vitals)[Part.CHROMA] is Condition.DEGRADED, "the index belongs to the first one"
    beside.close()


def test_a_provider_that_is_left_alone_and_a_full_disk(
    engine: BlockingEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inner, clock, said = engine._engine, Clock(100.0), [None, "sedang terganggu"]
    vitals = Vitals(inner._database, inner.base, folder=tmp_path, trouble=lambda: said[-1], clock=clock)
    assert look(vitals)[Part.PROVIDER] is Condition.DEGRADED
    said.append(None)
    assert look(vitals)[Part.PROVIDER] is Condition.DEGRADED, "a look is kept for a moment"
    clock.now += KEPT_SECONDS
    assert look(vitals)[Part.PROVIDER] is Condition.OK
    monkeypatch.setattr(module, "LOW_BYTES", 2**60)
    clock.now += KEPT_SECONDS
    assert look(vitals)[Part.DISK] is Condition.DEGRADED
    assert "Ruang disk" in next(one.detail for one in vitals.look() if one.part is Part.DISK)


def test_a_database_that_does_not_answer_is_down(engine: BlockingEngine, tmp_path: Path) -> None:
    from sipd_core.store.database import Database

    broken = Database(f"sqlite:///{tmp_path / 'x.db'}")
    broken.close()
    for file in tmp_path.glob("x.db*"):
        os.remove(file)
    tmp_path.joinpath("x.db").mkdir()
    found = look(Vitals(broken, engine._engine.base, folder=tmp_path, trouble=None))
    assert found[Part.SQL] is Condition.DOWN and found[Part.MODEL] is Condition.OK
