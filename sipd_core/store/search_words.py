"""How sealed conversations are found by their words: marks that nobody can make or read without the data key.

Each beginning of each word of a conversation becomes four bytes of a keyed hash, so that a word is found while it is typed.
All marks of a part of a conversation stand in one row, in order: neither how often nor where a word was said can be seen, and a turn
writes one row. A search looks for the mark in these rows; one in a million fits by chance.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, LargeBinary, and_, false, func, insert, literal, or_, select, update

from sipd_core.data_keys import DataKey
from sipd_core.store.cipher import Cipher, cipher_of
from sipd_core.store.schema import answer_versions, conversation_words, escalations, exchanges, ticket_events, tickets


class Part(StrEnum):
    """Where a word stands."""

    SAID = "said"
    NOTED = "noted"


MARK_BYTES = 4
LONGEST = 24
"""Characters of a word that can be searched for; the rest of a longer one does not count."""
MOST_BYTES = 400_000
"""Of one conversation; words beyond are not found, and no conversation of a person comes near."""


def marks(key: DataKey, text: str) -> frozenset[bytes]:
    """Marks of every beginning of every word of a text."""
    secret = key.derived("words")
    beginnings = {word[:end] for word in _words(text) for end in range(1, len(word) + 1)}
    return frozenset(_mark(secret, beginning) for beginning in beginnings)


def sought(text: str) -> tuple[str, ...]:
    """What is looked for when these words are typed: each as it stands, without the signs around it."""
    return tuple(dict.fromkeys(filter(None, (_bare(chunk)[:LONGEST] for chunk in _normal(text).split()))))


def add_words(connection: Connection, conversation_id: str, part: Part, text: str) -> None:
    """Let a conversation be found by a text of it, in the transaction that has stored the text."""
    key = cipher_of(connection.dialect).sealing
    mine = _row(conversation_id, part)
    row = connection.execute(select(conversation_words).where(mine).with_for_update()).first()
    if row is None or row.key_id != key.id:
        rebuild(connection, conversation_id, part)
    elif (found := _with(row.marks, marks(key, text))) != row.marks:
        connection.execute(update(conversation_words).where(mine).values(marks=found))


def rebuild(connection: Connection, conversation_id: str, part: Part) -> None:
    """Make the marks of a part anew, from all that is stored of it, under the key that seals.

    The row is held first: a text that is stored meanwhile is among them, or adds its marks afterwards.
    """
    key = cipher_of(connection.dialect).sealing
    connection.execute(select(conversation_words.c.part).where(_row(conversation_id, part)).with_for_update()).first()
    texts = _said(connection, conversation_id) if part is Part.SAID else _noted(connection, conversation_id)
    values = {"key_id": key.id, "marks": _with(b"", frozenset[bytes]().union(*(marks(key, text) for text in texts)))}
    if not connection.execute(update(conversation_words).where(_row(conversation_id, part)).values(values)).rowcount:
        if values["marks"]:
            connection.execute(insert(conversation_words), {"conversation_id": conversation_id, "part": part, **values})


def finds(cipher: Cipher, id_column: ColumnElement[str], word: str, *, sqlite: bool, notes: bool) -> ColumnElement[bool]:
    """Condition: the conversation `id_column` holds a word that begins with `word` (one of `sought`).

    `notes`: what was noted about it counts too.
    """
    fits = [
        and_(conversation_words.c.key_id == key.id, _within(_mark(key.derived("words"), word), sqlite)) for key in cipher.keys
    ]
    query = select(conversation_words.c.conversation_id).where(or_(false(), *fits))
    return id_column.in_(query if notes else query.where(conversation_words.c.part == Part.SAID))


def _row(conversation_id: str, part: Part) -> ColumnElement[bool]:
    return and_(conversation_words.c.conversation_id == conversation_id, conversation_words.c.part == part)


def _within(mark: bytes, sqlite: bool) -> ColumnElement[bool]:
    wanted = literal(mark, LargeBinary)
    place = func.instr if sqlite else func.pg_catalog.position
    return place(conversation_words.c.marks, wanted) > 0


def _said(connection: Connection, conversation_id: str) -> list[str]:
    query = select(exchanges.c.message, exchanges.c.answer).where(exchanges.c.conversation_id == conversation_id)
    anew = select(answer_versions.c.turn).join(exchanges, exchanges.c.turn_id == answer_versions.c.turn_id)
    versions = connection.execute(anew.where(exchanges.c.conversation_id == conversation_id)).scalars().all()
    said = [f"{row.message} {row.answer}" for row in connection.execute(query)]
    return [*said, *(str(json.loads(turn)["response"]) for turn in versions)]


def _noted(connection: Connection, conversation_id: str) -> list[str]:
    handed = select(escalations.c.note).where(escalations.c.conversation_id == conversation_id)
    events = select(ticket_events.c.note).join(tickets, tickets.c.id == ticket_events.c.ticket_id)
    queries = handed, events.where(tickets.c.conversation_id == conversation_id)
    return [note for query in queries for note in connection.execute(query).scalars()]


def _with(known: bytes, added: Iterable[bytes]) -> bytes:
    there = {known[at : at + MARK_BYTES] for at in range(0, len(known), MARK_BYTES)}
    return b"".join(sorted(there.union(added)))[:MOST_BYTES] if not there.issuperset(added) else known


def _words(text: str) -> Iterator[str]:
    """Words, and what stands together without white space (account codes, numbers of documents) as a whole too."""
    for chunk in _normal(text).split():
        whole = _bare(chunk)
        yield whole[:LONGEST]
        parts = "".join(sign if sign.isalnum() else " " for sign in whole).split()
        if len(parts) > 1:
            yield from (part[:LONGEST] for part in parts)


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _bare(chunk: str) -> str:
    """A chunk from its first letter or digit to its last."""
    inside = [at for at, sign in enumerate(chunk) if sign.isalnum()]
    return chunk[inside[0] : inside[-1] + 1] if inside else ""


def _mark(secret: bytes, beginning: str) -> bytes:
    return hashlib.blake2b(beginning.encode(errors="surrogatepass"), digest_size=MARK_BYTES, key=secret).digest()
