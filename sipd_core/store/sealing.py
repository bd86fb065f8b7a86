"""How a database whose texts are plain becomes one whose texts are sealed: one step of `migrations.py`."""

from sqlalchemy import Connection

from sipd_core.store.cipher import cipher_of
from sipd_core.store.key_check import admit
from sipd_core.store.resealing import Place, change_texts, pages_of
from sipd_core.store.search_words import Part, rebuild
from sipd_core.store.upgrading import telling


def m020_sealed(connection: Connection) -> None:
    """What people wrote is sealed where it stands, and its words can be searched for by marks."""
    admit(connection, cipher_of(connection.dialect))
    connection.exec_driver_sql(
        "CREATE TABLE conversation_words (conversation_id VARCHAR(32) NOT NULL REFERENCES conversations (id)"
        " ON DELETE CASCADE, part VARCHAR(5) NOT NULL, key_id VARCHAR(8) NOT NULL,"
        f" marks {'BLOB' if connection.dialect.name == 'sqlite' else 'BYTEA'} NOT NULL, PRIMARY KEY (conversation_id, part))"
    )
    seal = cipher_of(connection.dialect).seal
    talks = Place("conversations", ("id",), ())
    places = [Place(*place) for place in _TEXTS]
    with telling("sealing stored texts", sum(_rows(connection, place) for place in (*places, talks))) as teller:
        for place in places:
            change_texts(connection, place, seal, teller.add)
        noted = set(connection.exec_driver_sql(_NOTED).scalars())
        for conversation in pages_of(connection, talks):
            rebuild(connection, conversation["id"], Part.SAID)
            if conversation["id"] in noted:
                rebuild(connection, conversation["id"], Part.NOTED)
            teller.add(1)


def _rows(connection: Connection, place: Place) -> int:
    return int(connection.exec_driver_sql(f'SELECT COUNT(*) FROM "{place.table}"').scalar_one())


_NOTED = (
    "SELECT conversation_id FROM escalations WHERE note <> '' UNION SELECT t.conversation_id FROM tickets t"
    " JOIN ticket_events e ON e.ticket_id = t.id WHERE e.note <> ''"
)
_TEXTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("conversations", ("id",), ("title",)),
    ("exchanges", ("turn_id",), ("message", "answer", "turn", "state")),
    ("feedback", ("turn_id",), ("reason",)),
    ("escalations", ("id",), ("explanation", "note")),
    ("ticket_events", ("ticket_id", "seq"), ("note",)),
    ("gold_questions", ("id",), ("query",)),
    ("gold_answers", ("run_id", "position"), ("query",)),
    ("alert_outbox", ("id",), ("body",)),
    ("gaps", ("id",), ("draft", "note")),
    ("gap_questions", ("turn_id",), ("text",)),
    ("gap_events", ("gap_id", "seq"), ("note", "before")),
)
