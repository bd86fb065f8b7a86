"""Further versions of answers: edited by a person, written anew, or gone on with. Only masked texts come in here."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from pydantic import TypeAdapter
from sqlalchemy import Connection, func, insert, select, update

from sipd_core.chat.turn import AnswerVersion, Exchange, Turn, VersionKind
from sipd_core.deeds import Deed, DeedKind
from sipd_core.errors import NotFoundError
from sipd_core.store.database import Database
from sipd_core.store.erasing import is_there
from sipd_core.store.schema import answer_versions, exchanges, traces
from sipd_core.store.search_words import Part, add_words
from sipd_core.store.times import moment
from sipd_core.store.traces import TurnTrace, trace_row
from sipd_core.texts import text

TURN = TypeAdapter(Turn)


class AnswerVersionStore:
    """Adds versions and says which one counts; what was there before stays. Safe from any thread."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        turn_id: str,
        kind: VersionKind,
        turn: Turn,
        *,
        actor: str = "",
        trace: TurnTrace | None = None,
        chosen: bool = True,
    ) -> int:
        """Keep a further version of the answer `turn_id`; returns its number. Raises NotFoundError.

        `chosen`: it is the one that counts from now on.
        """

        def enter(connection: Connection) -> int:
            _lock(connection, turn_id)
            last = select(func.max(answer_versions.c.seq)).where(answer_versions.c.turn_id == turn_id)
            seq = (connection.execute(last).scalar_one() or 0) + 1
            row = {"turn_id": turn_id, "seq": seq, "at": self._clock(), "actor": actor, "kind": kind, "chosen": False}
            connection.execute(insert(answer_versions), row | {"turn": TURN.dump_json(turn).decode()})
            add_words(connection, turn.session_id, Part.SAID, turn.response)
            if chosen:
                _choose(connection, turn_id, seq)
            if kind is VersionKind.EDITED:
                self._database.note(connection, Deed(DeedKind.ANSWER_EDITED, turn_id, actor, details={"version": seq}))
            if trace is not None:
                connection.execute(insert(traces), trace_row(trace))
            return seq

        return self._database.together(enter)

    def choose(self, turn_id: str, seq: int) -> None:
        """Let this version count; 0 is the first answer. Raises NotFoundError."""

        def enter(connection: Connection) -> None:
            _lock(connection, turn_id)
            one = answer_versions.c.turn_id == turn_id, answer_versions.c.seq == seq
            if seq and connection.execute(select(answer_versions.c.seq).where(*one)).first() is None:
                raise NotFoundError(what=text("approved.what.version"))
            _choose(connection, turn_id, seq)

        self._database.together(enter)


def with_versions(connection: Connection, given: Sequence[Exchange]) -> tuple[Exchange, ...]:
    """Exchanges with every version of their answers."""
    ids = [exchange.turn.turn_id for exchange in given]
    query = select(answer_versions).where(answer_versions.c.turn_id.in_(ids)).order_by(answer_versions.c.seq)
    versions: dict[str, list[AnswerVersion]] = {}
    chosen: dict[str, int] = {}
    for row in connection.execute(query):
        turn = TURN.validate_json(row.turn)
        version = AnswerVersion(row.seq, moment(row.at), row.actor, VersionKind(row.kind), turn)
        versions.setdefault(row.turn_id, []).append(version)
        if row.chosen:
            chosen[row.turn_id] = row.seq
    return tuple(
        replace(exchange, versions=tuple(versions.get(id_, ())), chosen=chosen.get(id_, 0))
        for id_, exchange in zip(ids, given, strict=True)
    )


def _lock(connection: Connection, turn_id: str) -> None:
    """From here on nobody else adds to this answer; raises NotFoundError when there is none."""
    of_it = exchanges.c.turn_id == turn_id
    conversation = connection.execute(select(exchanges.c.conversation_id).where(of_it)).scalar()
    if conversation is None or not is_there(connection, conversation):
        raise NotFoundError(what=text("approved.what.answer"))
    connection.execute(select(exchanges.c.turn_id).where(of_it).with_for_update())


def _choose(connection: Connection, turn_id: str, seq: int) -> None:
    of_it = update(answer_versions).where(answer_versions.c.turn_id == turn_id)
    connection.execute(of_it.values(chosen=answer_versions.c.seq == seq))
