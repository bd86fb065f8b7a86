"""The answer composed from past cases, without a model: what was done before, what it rests on, and no more than that.

Plain text with line breaks; pages escape it before they draw it.
"""

import re
from collections.abc import Sequence
from typing import Literal

from sipd_core.chat.turn import Verdict
from sipd_core.documents import Case, Hit
from sipd_core.texts import text

_SENTENCE = re.compile(r"(?<=[a-z\d)\"”][.;])\s+(?=[A-Z\d])")

_STATUS = frozenset("done ok oke okay fix fixed solved close closed clear confirm confirmed selesai sudah sdh beres aman qa".split())

EXCERPT = 240
"""Characters of a complaint that are quoted: the median complaint is 121 long (FIELD.md)."""


def compose(verdict: Verdict, hits: Sequence[Hit], *, limit: int, retry: bool = False, empty_base: bool = False) -> str:
    """The answer for a search: `hits` best first, at most `limit` characters. `retry`: earlier steps did not help."""
    if empty_base:
        return text("answer.empty_base")
    if verdict is Verdict.NOT_FOUND or not hits:
        return _not_found(hits)
    lead = hits[0]
    if not lead.case.remedy:
        return _cut(_precedent(lead), limit)
    parts = [_opening(verdict, lead, retry=retry), text("answer.remedy"), lead.case.remedy, *_notes(lead.case)]
    if verdict is Verdict.PARTIAL:
        parts.append(text("answer.partial_check"))
    return _cut("\n".join([*parts, "", _source(lead.case)]), limit)


def for_caller(verdict: Verdict, hits: Sequence[Hit]) -> str:
    """The same answer as a message to the caller: steps one by one when there are any, else what is needed from them."""
    if verdict is Verdict.NOT_FOUND or not hits:
        return text("answer.caller.not_found")
    lead = hits[0].case
    if not lead.remedy:
        return text("answer.caller.precedent")
    steps = "\n".join(_steps(lead.remedy))
    return "\n".join([text("answer.caller.opening", menu=lead.menu), steps, text("answer.caller.closing")])


def held(explanation: str) -> str:
    """What is said where a person must take over before anything else is tried: no remedy beside it."""
    return text("answer.held", explanation=explanation)


def exhausted(tried: int) -> str:
    """What is said when the remedies on record have been tried without success."""
    return text("answer.exhausted", tried=tried)


def outside() -> str:
    """What is said to a question that is not of this base's field."""
    return text("answer.outside")


def which(*, unsolved: bool) -> str:
    """What is asked back where a message names no problem; `unsolved`: it says that one still lasts."""
    return text("answer.which_unsolved" if unsolved else "answer.which")


def small_talk(kind: Literal["greeting", "thanks", "ack"], *, solved: bool = False) -> str:
    """What is said when nothing was asked."""
    return text("answer.solved") if solved else text(f"answer.talk.{kind}")


def excerpt(complaint: str, length: int = EXCERPT) -> str:
    """A complaint on one line, cut at a word."""
    line = " ".join(complaint.split())
    if len(line) <= length:
        return line
    return line[:length].rsplit(" ", 1)[0] + "…"


def _steps(remedy: str) -> list[str]:
    """The sentences of a remedy, numbered; one that comes numbered or in lines is left as it is."""
    if "\n" in remedy.strip():
        return remedy.strip().splitlines()
    sentences = [part.strip() for part in _SENTENCE.split(remedy.strip()) if part.strip()]
    return [f"{at}. {sentence}" for at, sentence in enumerate(sentences, start=1)] if len(sentences) > 1 else sentences


def _opening(verdict: Verdict, lead: Hit, *, retry: bool) -> str:
    menu = lead.case.menu
    if verdict is Verdict.PARTIAL:
        quoted = text("answer.case", issue=excerpt(lead.case.issue))
        return text("answer.partial_again" if retry else "answer.partial", menu=menu) + "\n" + quoted + "\n"
    return text("answer.found_again" if retry else "answer.found", menu=menu) + "\n"


def _precedent(lead: Hit) -> str:
    count = lead.also_reported + 1
    key = "answer.precedent_many" if count > 1 else "answer.precedent"
    told = text(key, menu=lead.case.menu, count=count)
    quoted = text("answer.case", issue=excerpt(lead.case.issue))
    return "\n".join([told, quoted, *_notes(lead.case), "", text("answer.precedent_next"), "", _source(lead.case)])


def _not_found(hits: Sequence[Hit]) -> str:
    parts = [text("answer.not_found")]
    if hits:
        nearest = hits[0].case
        parts.append(text("answer.not_found_nearest", issue=excerpt(nearest.issue), menu=nearest.menu))
    return "\n\n".join([*parts, text("answer.not_found_next")])


def _notes(case: Case) -> list[str]:
    """The notes that are not already the remedy."""
    named = (("answer.note_dev", case.note_dev), ("answer.note_qa", case.note_qa))
    return [text(key, note=note) for key, note in named if note and note != case.remedy and not _only_status(note)]


def _only_status(note: str) -> bool:
    """*done*, *ok*: how the row stands, and nothing that helps anyone."""
    return _STATUS.issuperset(re.findall(r"\w+", note.casefold()))


def _source(case: Case) -> str:
    key = "answer.source_sheet" if case.sheet else "answer.source"
    source = text(key, file=case.file, sheet=case.sheet, row=case.row)
    return source + (text("answer.sample") if case.sample else "")


def _cut(answer: str, limit: int) -> str:
    if len(answer) <= limit:
        return answer
    tail = text("answer.cut")
    return answer[: limit - len(tail)].rsplit(" ", 1)[0] + tail
