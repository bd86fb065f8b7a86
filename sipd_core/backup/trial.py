"""The restore test: an archive is restored aside, into a database and an index of its own, and asked its questions.

No model is loaded and none is called: rows and questions bring their vectors with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from anyio import to_thread
from pydantic import TypeAdapter

from sipd_core.backup.progress import OnStep, Step, StepName
from sipd_core.backup.questions import Difference, RecordedEmbedder, compare, retrieval_of
from sipd_core.backup.replacing import replace_content
from sipd_core.backup.staging import Staged, counts, staged
from sipd_core.embeddings.cached import CachedEmbedder
from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.knowledge.index import ChromaHome
from sipd_core.knowledge.side import Model
from sipd_core.metrics import PerformanceMonitor
from sipd_core.settings import Settings
from sipd_core.store.cases import CaseStore
from sipd_core.store.cipher import Cipher
from sipd_core.store.database import Database
from sipd_core.store.embeddings import EmbeddingStore
from sipd_core.store.unopenable import Left


@dataclass(frozen=True, slots=True)
class TableDifference:
    """A table that holds another number of rows after the restore than the manifest says."""

    table: str
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class TrialReport:
    """What a restore test found."""

    tables: int
    rows: int
    table_differences: tuple[TableDifference, ...]
    questions: int
    """Test questions asked; 0 when the archive holds none: the base was changing as it was made."""
    differences: tuple[Difference, ...]
    settings: tuple[str, ...]
    """Settings whose values were others when the archive was made, secrets left out."""
    unasked: bool = False
    """There are answers to test questions, sealed with a key that is not here: nothing could be compared with them."""
    left: Left = Left()
    """Texts that could not be opened here."""

    @property
    def passed(self) -> bool:
        """Whether what was restored is what was saved."""
        return not self.table_differences and not self.differences


_REPORT = TypeAdapter(TrialReport)


def report_as_json(report: TrialReport) -> str:
    """For the record of the backup."""
    return _REPORT.dump_json(report).decode()


def report_from_json(stored: str) -> TrialReport:
    """Out of the record of a backup."""
    return _REPORT.validate_json(stored)


async def try_restore(
    path: Path, settings: Settings, now: Mapping[str, str | None], on_step: OnStep, *, without_texts: bool = False
) -> TrialReport:
    """Restore an archive aside and compare; `now`: the settings as they are, without secrets.

    Raises BackupError when the archive cannot be restored at all, or not without leaving texts behind and `without_texts`
    does not allow that.
    """
    settings.sipd_data_dir.mkdir(parents=True, exist_ok=True)
    cipher = Cipher.beside(settings.sipd_data_dir, settings.data_keys)
    scope = staged(path, settings.sipd_data_dir, on_step, cipher, without_texts=without_texts)
    unpacked = await to_thread.run_sync(scope.__enter__)
    try:
        return await _tried(unpacked, settings, now, on_step)
    finally:
        await to_thread.run_sync(scope.__exit__, None, None, None)


async def _tried(unpacked: Staged, settings: Settings, now: Mapping[str, str | None], on_step: OnStep) -> TrialReport:
    aside = unpacked.folder / "uji"
    cipher = unpacked.database.cipher
    database = await to_thread.run_sync(partial(Database, f"sqlite:///{aside / 'sipd.db'}", cipher=cipher))
    try:
        await to_thread.run_sync(_restore, unpacked, database, on_step)
        expected = await to_thread.run_sync(counts, unpacked.database)
        found = await to_thread.run_sync(counts, database)
        on_step(Step(StepName.SEARCHING))
        differences = await _ask(unpacked, database, settings, aside) if unpacked.said else ()
    finally:
        await to_thread.run_sync(database.close)
    return TrialReport(
        len(found),
        unpacked.rows,
        _table_differences(expected, found),
        len(unpacked.said.answers) if unpacked.said else 0,
        differences,
        tuple(sorted(name for name in now if name in unpacked.settings and now[name] != unpacked.settings[name])),
        unpacked.unasked,
        unpacked.unsealed.left,
    )


def _restore(unpacked: Staged, database: Database, on_step: OnStep) -> None:
    replace_content(unpacked, database, on_step, before=lambda _: None, after=lambda _: None)


async def _ask(unpacked: Staged, database: Database, settings: Settings, aside: Path) -> tuple[Difference, ...]:
    """Ask the restored base, which has an index of its own, what the live one was asked."""
    assert unpacked.said is not None
    answers = unpacked.said.answers
    vectors = EmbeddingStore(database, compress=settings.enable_compression)
    base = KnowledgeBase(
        CaseStore(database),
        vectors,
        retrieval=retrieval_of(unpacked.said),
        chunk_size=settings.chunk_size,
        chunk_overlap=settings.chunk_overlap,
        monitor=PerformanceMonitor(enabled=False),
    )
    home: ChromaHome | None = None
    try:
        if name := unpacked.manifest.serving_model:
            recorded = RecordedEmbedder(name, answers)
            embedder = CachedEmbedder(recorded, None, vectors, monitor=PerformanceMonitor(enabled=False), on_call=None)
            home = await to_thread.run_sync(ChromaHome.local, aside / "chroma", settings.collection_name)
            index = await to_thread.run_sync(home.collection, recorded.model, recorded.dimension)
            await base.serve(await base.open_side(Model(embedder, 1), index))
        else:
            await base.refresh(force=True)
        return await compare(base, answers)
    finally:
        if home is not None:
            await to_thread.run_sync(home.close)


def _table_differences(expected: Mapping[str, int], found: Mapping[str, int]) -> tuple[TableDifference, ...]:
    """That the unpacked rows are as many as the manifest says was seen when they were read."""
    return tuple(
        TableDifference(name, rows, found[name]) for name, rows in sorted(expected.items()) if rows != found[name]
    )
