"""The work list of the learning loop, read from SQL. One reason to change: what is asked of gaps."""

import statistics
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import Connection, func, select

from sipd_core.learning.model import HIDDEN, FailingQuestion, Gap, GapDetail, GapFigures, GapFilter, GapPage, GapState
from sipd_core.store.database import Database
from sipd_core.store.gap_rows import COUNTED, Fate, gap_of, gap_row, read_events, read_questions, texts_of
from sipd_core.store.schema import gap_questions, gaps

WEEK = timedelta(days=7)
_LEFT_OUT = (Fate.OUTSIDE, Fate.ASIDE)


class GapList:
    """Safe from any thread."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def page(self, wanted: GapFilter, offset: int, limit: int | None) -> GapPage:
        """Gaps that fit: those with the most conversations first, then those most people asked, then the latest."""
        with self._database.read() as connection:
            fitting = [gap for gap in _all(connection) if _fits(gap, wanted)]
            if wanted.search:
                fitting = _holding(connection, fitting, wanted.search)
        fitting.sort(key=_rank)
        end = None if limit is None else offset + limit
        return GapPage(tuple(fitting[offset:end]), len(fitting))

    def get(self, gap_id: int) -> Gap:
        """One gap; raises NotFoundError."""
        with self._database.read() as connection:
            return _one(connection, gap_id)

    def detail(self, gap_id: int) -> GapDetail:
        """One gap with its questions and its trail; raises NotFoundError."""
        with self._database.read() as connection:
            mine = gap_questions.c.gap_id == gap_id, gap_questions.c.fate == Fate.GROUPED
            return GapDetail(
                _one(connection, gap_id), read_questions(connection, *mine), read_events(connection, gap_id)
            )

    def outside(self, limit: int) -> tuple[FailingQuestion, ...]:
        """Questions that are of no gap because they are no matter of this help desk, the most recent first."""
        with self._database.read() as connection:
            ids = select(gap_questions.c.turn_id).where(gap_questions.c.fate.in_(_LEFT_OUT))
            newest = ids.order_by(gap_questions.c.at.desc()).limit(limit)
            return read_questions(connection, gap_questions.c.turn_id.in_(newest))

    def menus(self) -> tuple[str, ...]:
        """The menus of the gaps of the work list, by name."""
        query = select(gaps.c.menu).where(gaps.c.state.not_in(HIDDEN), gaps.c.menu != "").distinct()
        with self._database.read() as connection:
            return tuple(connection.execute(query.order_by(gaps.c.menu)).scalars())

    def figures(self) -> GapFigures:
        """How many there are of each state, how many were closed of late, how long it took."""
        grouped = select(gaps.c.state, func.count().label("n")).group_by(gaps.c.state)
        first = select(func.min(gap_questions.c.at)).where(gap_questions.c.gap_id == gaps.c.id)
        since = func.coalesce(first.correlate(gaps).scalar_subquery(), gaps.c.created_at)
        took = select(gaps.c.closed_at, since.label("since")).where(gaps.c.state == GapState.CLOSED)
        fate = gap_questions.c.fate.in_(_LEFT_OUT)
        outside = select(func.count()).select_from(gap_questions).where(fate)
        with self._database.read() as connection:
            states = {GapState(row.state): int(row.n) for row in connection.execute(grouped)}
            closed = connection.execute(took).all()
            aside = connection.execute(outside).scalar_one()
        late = self._clock() - WEEK.total_seconds()
        seconds = [row.closed_at - row.since for row in closed if row.closed_at is not None]
        median = timedelta(seconds=statistics.median(seconds)) if seconds else None
        shown = {state: n for state, n in states.items() if state not in HIDDEN}
        return GapFigures(shown, sum((row.closed_at or 0) >= late for row in closed), median, aside)


def _rank(gap: Gap) -> tuple[float, ...]:
    return -gap.conversations, -gap.askers, -(gap.last_at or gap.created_at).timestamp(), gap.id


def _all(connection: Connection) -> list[Gap]:
    counted = {row.gap_id: row for row in connection.execute(COUNTED)}
    rows = connection.execute(select(gaps)).all()
    titles = texts_of(connection, [row.lead for row in rows])
    return [gap_of(row, counted.get(row.id), titles.get(row.lead, "")) for row in rows]


def _one(connection: Connection, gap_id: int) -> Gap:
    row = gap_row(connection, gap_id)
    counted = connection.execute(COUNTED.where(gap_questions.c.gap_id == gap_id)).first()
    return gap_of(row, counted, texts_of(connection, [row.lead]).get(row.lead, ""))


def _fits(gap: Gap, wanted: GapFilter) -> bool:
    states = wanted.states or tuple(state for state in GapState if state not in HIDDEN)
    menu = wanted.menu is None or gap.menu == wanted.menu
    return gap.state in states and menu and (wanted.failure is None or wanted.failure in gap.failures)


def _holding(connection: Connection, fitting: Sequence[Gap], search: str) -> list[Gap]:
    """Those whose number is searched for, or one of whose questions holds every word."""
    words = search.casefold().split()
    grouped = gap_questions.c.fate == Fate.GROUPED
    rows = connection.execute(select(gap_questions.c.gap_id, gap_questions.c.text).where(grouped))
    found = {row.gap_id for row in rows if all(word in row.text.casefold() for word in words)}
    number = search.strip().removeprefix("#")
    return [gap for gap in fitting if gap.id in found or str(gap.id) == number]
