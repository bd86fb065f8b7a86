"""Next steps that fit the case at hand: the checks its notes name, the other close cases, else the intent's questions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sipd_core.chat.answers import excerpt
from sipd_core.chat.turn import Intent, Verdict
from sipd_core.documents import Case, Hit
from sipd_core.texts import text

MOST = 4
CLOSE = 1 / 8
"""Share of the lead's relevance from which another case is worth a click: about one question in three has one."""
LENGTH = 110
"""Characters of one suggestion: two lines of a button at 390 pixels."""

_SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n+")
_CHECK = re.compile(
    r"^(?:\d+[.)]\s*)?(?:mohon |harap |jangan lupa )?(?:periksa|cek|pastikan|bandingkan|uji|lihat|tinjau|perhatikan|konfirmasi|cocokkan)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What to do next: things to check or ask with the caller, and complaints to look up instead."""

    ask_caller: tuple[str, ...]
    other_cases: tuple[str, ...]


def suggest(intent: Intent, verdict: Verdict, hits: Sequence[Hit]) -> Suggestions:
    """At most four different next steps, the most fitting first; never empty."""
    checks: list[str] = []
    others: list[str] = []
    if verdict is not Verdict.NOT_FOUND and hits:
        checks, others = _checks(hits[0].case), _other_cases(hits)
    if verdict is not Verdict.FOUND or not (checks or others):
        checks = checks + _questions(intent)
    return Suggestions(tuple(dict.fromkeys(checks))[: MOST - len(others)], tuple(dict.fromkeys(others)))


def _checks(case: Case) -> list[str]:
    """Sentences of the notes that tell what to look at, two at the most."""
    sentences = [part.strip(" ;.") for note in (case.note_qa, case.note_dev) for part in _SENTENCE.split(note)]
    return [excerpt(sentence, LENGTH) for sentence in sentences if _CHECK.match(sentence)][:2]


def _other_cases(hits: Sequence[Hit]) -> list[str]:
    """Complaints of the next cases: one click asks whether this is the better match."""
    close = [hit.case for hit in hits[1:] if hit.relevance >= hits[0].relevance * CLOSE and hit.case.remedy]
    return [excerpt(case.issue, LENGTH) for case in close[:2]]


def _questions(intent: Intent) -> list[str]:
    if intent is Intent.ERROR:
        intent = Intent.GENERAL_INQUIRY
    return [text(f"answer.suggest.{intent}.{name}") for name in ("a", "b")]
