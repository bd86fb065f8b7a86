"""Test questions of an archive: what the live base found for them as it was made, and what the restored one finds.

The vectors of the questions are kept beside the answers, so that no model is needed to ask them again.
"""

import base64
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from sipd_core.backup.progress import OnStep, Step, StepName
from sipd_core.embeddings import OnPart, Role, Vectors
from sipd_core.errors import BackupError, EmbeddingError
from sipd_core.knowledge.base import KnowledgeBase, as_embedded
from sipd_core.retrieval import RetrievalSettings
from sipd_core.store.backups import content_state
from sipd_core.store.database import Database
from sipd_core.store.gold import GoldStore

QUESTIONS = 50
"""Asked at most: they cost seconds, and each is a probe of the whole search."""
TOGETHER = 10
"""Questions whose vectors are had together: one call where they are paid for."""
HITS = 3
"""Cases compared for each question."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the base said to one question: case ids, best first, and the question's vector (float32, base64)."""

    question: Annotated[str, Field(max_length=20_000)]
    hits: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=HITS)]
    vector: Annotated[str, Field(max_length=200_000)] | None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a base said, and what its searches went by."""

    retrieval: Annotated[str, Field(max_length=10_000)]
    """`RetrievalSettings` as JSON."""
    answers: Annotated[tuple[Answer, ...], Field(max_length=10_000)]


@dataclass(frozen=True, slots=True)
class Expectation:
    """The answers of a base in one state (see `content_state`)."""

    model: str | None
    """`name/dimension` of the model that served."""
    state: str
    said: Answers


@dataclass(frozen=True, slots=True)
class Difference:
    """A question that found other cases than it should."""

    question: str
    expected: tuple[str, ...]
    found: tuple[str, ...]


_ANSWERS = TypeAdapter(Answers)


class RecordedEmbedder:
    """An embedding model that knows the vectors of some questions and cannot read anything else."""

    def __init__(self, name: str, answers: Sequence[Answer]) -> None:
        """`name`: `name/dimension`."""
        model, _, dimension = name.rpartition("/")
        self.model = model
        self.dimension = int(dimension) if dimension.isdecimal() else 0
        self._vectors: Mapping[str, NDArray[np.float32]] = {
            as_embedded(answer.question): vector
            for answer in answers
            if (vector := _decoded(answer.vector)) is not None and len(vector) == self.dimension
        }

    async def embed_queries(self, texts: list[str]) -> Vectors:
        """The recorded vectors; raises EmbeddingError when one was not recorded."""
        try:
            return np.stack([self._vectors[text] for text in texts])
        except KeyError as error:
            raise EmbeddingError("no vector was recorded", reason="") from error

    async def embed_passages(self, texts: list[str], on_part: OnPart | None = None) -> Vectors:
        """Raises EmbeddingError: rows bring their vectors with them."""
        raise EmbeddingError("rows are not embedded here", reason="")

    embed_examples = embed_passages

    def as_read(self, role: Role, text: str) -> str:
        """The text itself."""
        return text

    def count_tokens(self, text: str) -> int:
        """Nothing is read, so nothing is counted."""
        return 0


def retrieval_of(said: Answers) -> RetrievalSettings:
    """What the searches went by; raises BackupError."""
    try:
        return RetrievalSettings.from_json(said.retrieval)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BackupError(f"retrieval: {error!r}") from error


def probe_questions(gold: GoldStore, shipped: Path) -> tuple[str, ...]:
    """Those of the stored gold sets, else of the shipped one (a CSV with the column `query`); QUESTIONS at most."""
    stored = [question.query for one in gold.sets() for question in gold.page(one.id).questions]
    return _spread(stored or _queries(shipped))


def _queries(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row["query"] for row in csv.DictReader(file) if row.get("query")]


def _spread(questions: Sequence[str]) -> tuple[str, ...]:
    """As many as are asked, evenly over all of them; each once."""
    distinct = list(dict.fromkeys(questions))
    step = max(len(distinct) / QUESTIONS, 1.0)
    return tuple(distinct[int(n * step)] for n in range(min(QUESTIONS, len(distinct))))


async def expect(
    base: KnowledgeBase, database: Database, questions: Sequence[str], on_step: OnStep = lambda _: None
) -> Expectation:
    """Ask the live base; what it answers holds for the state that SQL was in just before."""
    await base.refresh(force=True)
    serving = base.serving
    model = serving.name if serving else None

    def state() -> str:
        with database.read() as connection:
            return content_state(connection, model)

    before = await to_thread.run_sync(state)
    answers: list[Answer] = []
    for start in range(0, len(questions), TOGETHER):
        some = questions[start : start + TOGETHER]
        on_step(Step(StepName.ASKING, start, len(questions)))
        if serving is not None:
            await serving.embedder.remember([as_embedded(question) for question in some])
        answers += [await _ask(base, question) for question in some]
    return Expectation(model, before, Answers(base.retrieval.to_json(), tuple(answers)))


async def compare(base: KnowledgeBase, answers: Sequence[Answer]) -> tuple[Difference, ...]:
    """Ask the same questions of another base; returns those it answers otherwise."""
    differences = []
    for answer in answers:
        found = (await _ask(base, answer.question)).hits
        if found != answer.hits:
            differences.append(Difference(answer.question, answer.hits, found))
    return tuple(differences)


def answers_as_json(answers: Answers) -> bytes:
    """For the archive."""
    return _ANSWERS.dump_json(answers)


def answers_from_json(raw: bytes) -> Answers:
    """Out of an archive; raises BackupError."""
    try:
        return _ANSWERS.validate_json(raw, strict=True)
    except ValidationError as error:
        raise BackupError(f"questions: {error.error_count()} faults") from error


async def _ask(base: KnowledgeBase, question: str) -> Answer:
    result = (await base.try_out(question, base.retrieval, HITS)).result  # no person asks: it stays out of the figures
    vector = None if result.vector is None else _encoded(result.vector)
    return Answer(question, tuple(hit.case.id for hit in result.hits), vector)


def _encoded(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(np.ascontiguousarray(vector, np.dtype("<f4")).tobytes()).decode("ascii")


def _decoded(vector: str | None) -> NDArray[np.float32] | None:
    """None for what is no vector of finite numbers."""
    try:
        raw = base64.b64decode(vector or "", validate=True)
        numbers = np.frombuffer(raw, np.dtype("<f4")).astype(np.float32)
    except ValueError:
        return None
    return numbers if len(numbers) and np.isfinite(numbers).all() else None
