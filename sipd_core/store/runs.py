"""Runs over gold sets and how each question was answered; written as they go, so that a killed process loses a few seconds."""

import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Update, insert, select, update

from sipd_core.chat.turn import Verdict
from sipd_core.errors import NotFoundError
from sipd_core.retrieval import RetrievalSettings
from sipd_core.scoring import Answered, Figures
from sipd_core.store.database import Database
from sipd_core.store.schema import gold_answers, gold_runs
from sipd_core.store.times import moment
from sipd_core.texts import text

SILENT_SECONDS = 30.0
"""A run whose process gave no sign of life for so long is interrupted."""
_FIGURES = TypeAdapter(Figures)


class RunStatus(StrEnum):
    """Where one run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Its process ended in the middle of it."""


OPEN = frozenset({RunStatus.QUEUED, RunStatus.RUNNING})


@dataclass(frozen=True, slots=True)
class Run:
    """One run over a gold set."""

    id: str
    set_id: str
    at: datetime
    """When it was asked for; timezone-aware, UTC."""
    actor: str
    status: RunStatus
    retrieval: RetrievalSettings
    total: int
    done: int
    skipped: int
    """Questions none of whose cases is in the base any more: they are not asked."""
    version: int | None
    """Version of the rows at its beginning; None before it began."""
    version_after: int | None
    cases: int | None
    """Cases that were searched."""
    model: str
    """`name/dimension` of the embedding model, empty where words alone were compared."""
    finished_at: datetime | None
    error: str | None
    """Why it failed, in Indonesian."""
    figures: Figures | None

    @property
    def is_open(self) -> bool:
        """Whether it is still to end."""
        return self.status in OPEN

    @property
    def moved(self) -> bool:
        """Whether the rows changed while it ran."""
        return self.version_after is not None and self.version_after != self.version


@dataclass(frozen=True, slots=True)
class RunAnswer:
    """How one question was answered."""

    question_id: str
    query: str
    wanted: tuple[str, ...]
    """Ids of the right cases at that time; empty for a question out of scope."""
    answered: Answered
    verdict: Verdict
    best_id: str | None
    """The case that came first; None when there was none."""
    best: str
    """Its menu and complaint, shortened."""


@dataclass(frozen=True, slots=True)
class RunStart:
    """What is known of a run when its first question is asked; the names are those of `Run`."""

    retrieval: RetrievalSettings
    total: int
    skipped: int
    version: int
    cases: int
    model: str


class RunStore:
    """Durable runs; safe from any thread."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def start(self, set_id: str, retrieval: RetrievalSettings, *, actor: str, runner: str) -> Run:
        """Enter a run that the process `runner` is to do."""
        now = self._clock()
        row = {"id": uuid.uuid4().hex, "set_id": set_id, "at": now, "actor": actor, "runner": runner, "seen_at": now}
        counts = {"total": 0, "done": 0, "skipped": 0}
        state = {"status": RunStatus.QUEUED, "stop": False, "retrieval": retrieval.to_json(), "model": ""}
        with self._database.write() as connection:
            connection.execute(insert(gold_runs), row | counts | state)
        return self.get(str(row["id"]))

    def get(self, run_id: str) -> Run:
        """Raises NotFoundError."""
        with self._database.read() as connection:
            row = connection.execute(select(gold_runs).where(gold_runs.c.id == run_id)).first()
        if row is None:
            raise NotFoundError(what=text("laboratory.error.run"))
        return self._run(row)

    def list(self, set_id: str, limit: int = 50) -> tuple[Run, ...]:
        """Runs over a set, newest first."""
        query = select(gold_runs).where(gold_runs.c.set_id == set_id).order_by(gold_runs.c.at.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(self._run(row) for row in connection.execute(query))

    def next(self, runner: str) -> Run | None:
        """The oldest run that waits for this process."""
        waits = gold_runs.c.runner == runner, gold_runs.c.status == RunStatus.QUEUED
        query = select(gold_runs).where(*waits).order_by(gold_runs.c.at).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return self._run(row) if row else None

    def answers(self, run_id: str) -> tuple[RunAnswer, ...]:
        """In the order of the questions, as far as the run came."""
        query = select(gold_answers).where(gold_answers.c.run_id == run_id).order_by(gold_answers.c.position)
        with self._database.read() as connection:
            return tuple(map(_answer, connection.execute(query)))

    def begin(self, run_id: str, start: RunStart) -> bool:
        """Its questions are known and the first is asked; False when it was cancelled before."""
        waiting = _of(run_id).where(gold_runs.c.status == RunStatus.QUEUED)
        values = {
            "retrieval": start.retrieval.to_json(),
            "total": start.total,
            "skipped": start.skipped,
            "version": start.version,
            "cases": start.cases,
            "model": start.model,
        }
        with self._database.write() as connection:
            done = connection.execute(waiting.values(status=RunStatus.RUNNING, seen_at=self._clock(), **values))
        return bool(done.rowcount)

    def record(self, run_id: str, done: int, answers: Sequence[RunAnswer]) -> bool:
        """Keep the answers that bring a run to `done` questions; returns whether it is to stop."""
        first = done - len(answers)
        rows = [_answer_row(run_id, first + at, answer) for at, answer in enumerate(answers)]
        with self._database.write() as connection:
            if rows:
                connection.execute(insert(gold_answers), rows)
            connection.execute(_of(run_id).values(done=done, seen_at=self._clock()))
            stop = connection.execute(select(gold_runs.c.stop).where(gold_runs.c.id == run_id)).scalar_one_or_none()
        return stop is not False  # a run whose set is gone has nothing to go on for

    def finish(self, run_id: str, figures: Figures, version: int) -> None:
        """It came to its end."""
        self._end(run_id, RunStatus.DONE, figures=_FIGURES.dump_json(figures).decode(), version_after=version)

    def fail(self, run_id: str, reason: str) -> None:
        """It could not come to its end."""
        self._end(run_id, RunStatus.FAILED, error=reason)

    def cancelled(self, run_id: str) -> None:
        """It stopped because somebody wanted it."""
        self._end(run_id, RunStatus.CANCELLED)

    def stop(self, run_id: str) -> None:
        """Ask the process at work, whichever it is, to stop; a run that has not begun or lost its process stops here."""
        run = self.get(run_id)
        if run.status in (RunStatus.QUEUED, RunStatus.INTERRUPTED):
            self.cancelled(run_id)
        elif run.is_open:
            self._write(_of(run_id).values(stop=True))

    def touch(self, runner: str) -> None:
        """A sign of life for the runs of this process."""
        mine = gold_runs.c.runner == runner, gold_runs.c.status.in_(OPEN)
        self._write(update(gold_runs).where(*mine).values(seen_at=self._clock()))

    def leave(self, runner: str) -> None:
        """This process ends: what it leaves undone is interrupted at once."""
        mine = gold_runs.c.runner == runner, gold_runs.c.status.in_(OPEN)
        self._write(update(gold_runs).where(*mine).values(seen_at=0.0))

    def _end(self, run_id: str, status: RunStatus, **values: object) -> None:
        self._write(_of(run_id).values(status=status, finished_at=self._clock(), **values))

    def _write(self, statement: Update) -> None:
        with self._database.write() as connection:
            connection.execute(statement)

    def _run(self, row: Row[Any]) -> Run:
        status = RunStatus(row.status)
        if status in OPEN and self._clock() - row.seen_at > SILENT_SECONDS:
            status = RunStatus.INTERRUPTED
        return Run(
            row.id,
            row.set_id,
            moment(row.at),
            row.actor,
            status,
            RetrievalSettings.from_json(row.retrieval),
            row.total,
            row.done,
            row.skipped,
            row.version,
            row.version_after,
            row.cases,
            row.model,
            moment(row.finished_at) if row.finished_at is not None else None,
            row.error,
            _FIGURES.validate_json(row.figures) if row.figures else None,
        )


def _of(run_id: str) -> Update:
    return update(gold_runs).where(gold_runs.c.id == run_id)


def _answer_row(run_id: str, position: int, answer: RunAnswer) -> dict[str, object]:
    told = answer.answered
    return {
        "run_id": run_id,
        "position": position,
        "question_id": answer.question_id,
        "query": answer.query,
        "style": told.style,
        "wanted": json.dumps(answer.wanted),
        "rank": told.rank,
        "ndcg": told.ndcg,
        "relevance": told.relevance,
        "verdict": answer.verdict,
        "milliseconds": told.milliseconds,
        "best_id": answer.best_id,
        "best": answer.best,
    }


def _answer(row: Row[Any]) -> RunAnswer:
    verdict = Verdict(row.verdict)
    found = verdict is not Verdict.NOT_FOUND
    told = Answered(row.style, row.rank, row.ndcg, row.relevance, found, row.milliseconds)
    return RunAnswer(row.question_id, row.query, tuple(json.loads(row.wanted)), told, verdict, row.best_id, row.best)
