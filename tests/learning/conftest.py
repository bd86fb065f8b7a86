"""Whole consoles on both databases, with the real embedding model and the sample rows; each test finds them as new."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from sipd_core.blocking import BlockingEngine
from sipd_core.documents import ChangeKind
from sipd_core.settings import load_settings
from sipd_core.store.database import Database
from sipd_core.store.schema import conversations, gap_events, gap_proofs, gap_questions, gaps
from tests.conftest import _empty as empty_schema

READY_SECONDS = 300


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def console(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingEngine]:
    """A console with the sample rows, all of them read by the model."""
    more = {}
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        empty_schema(url.replace("postgresql://", "postgresql+psycopg://", 1))
        more["database_url"] = url
    made = started(tmp_path_factory.mktemp("learning"), **more)
    yield made
    made.close()


def started(folder: Path, **more: str) -> BlockingEngine:
    """A console over this folder, once everything is searchable."""
    made = BlockingEngine(load_settings(_env_file=None, sipd_data_dir=folder, **more))
    made.wait_until_prepared(READY_SECONDS)
    made.wait_until_indexed(READY_SECONDS)
    return made


@pytest.fixture
def engine(console: BlockingEngine) -> BlockingEngine:
    """The console without conversations and gaps, its rows as they were."""
    for change in console.changes(200):
        if change.undone_at is None and (change.kind is not ChangeKind.IMPORT or change.note == "lain.csv"):
            console.undo_change(change.id, "uji")
    with database_of(console).write() as connection:
        for table in (gap_proofs, gap_events, gap_questions, gaps, conversations):
            connection.execute(delete(table))
    console.wait_until_indexed(READY_SECONDS)
    return console


def database_of(engine: BlockingEngine) -> Database:
    """The database behind a console."""
    return engine._engine._database
