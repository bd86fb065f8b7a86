"""Why a text of a case counts as no remedy, in terms a person can agree or disagree with.

One reason to change: what is told about a judgement. The judging itself is remedy.py.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from sipd_core.documents import Case
from sipd_core.knowledge.remedy import Clause, clauses_of

FieldName = Literal["expected", "note_dev", "note_qa"]
"""A text of a case that may hold its remedy."""
FIELDS: Final[tuple[FieldName, ...]] = ("expected", "note_dev", "note_qa")

_LINK: Final = re.compile(r"https?://|www\.", re.IGNORECASE)


class Reason(StrEnum):
    """What a text does instead of solving anything."""

    LINK = "link"
    """It is a link and nothing else."""
    NO_WORDS = "no_words"
    """It has no words, or only thanks."""
    REQUEST = "request"
    """It asks for something."""
    REPORT = "report"
    """It says that something is done or how it stands."""
    WISH = "wish"
    """It says what should be so."""
    SILENT = "silent"
    """It names nothing that anyone could do."""
    BRIEF = "brief"
    """It names something to do, but too little to follow: in a raw log that may be a request."""


_OF_CLAUSE: Final = {
    Clause.REQUEST: Reason.REQUEST,
    Clause.REPORT: Reason.REPORT,
    Clause.WISH: Reason.WISH,
    Clause.STATE: Reason.WISH,
    Clause.NEUTRAL: Reason.SILENT,
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """One text of a case without a remedy, and why it is none."""

    field: FieldName
    text: str
    reason: Reason
    part: str
    """The words it rests on, in lower case; empty when there are none."""


def judgements_of(case: Case) -> tuple[Judgement, ...]:
    """Why each filled text of a case without a remedy is none; nothing for a case that has one."""
    if case.remedy:
        return ()
    texts = ((name, getattr(case, name).strip()) for name in FIELDS)
    return tuple(_judged(name, text) for name, text in texts if text)


def _judged(name: FieldName, text: str) -> Judgement:
    clauses = clauses_of(text)
    if not clauses:
        return Judgement(name, text, Reason.LINK if _LINK.search(text) else Reason.NO_WORDS, "")
    part, kind = min(clauses, key=lambda clause: clause[1].value)
    return Judgement(name, text, _OF_CLAUSE.get(kind, Reason.BRIEF), part)
