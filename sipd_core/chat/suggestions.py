"""Next steps that fit the case at hand: the checks its notes name, then the other close cases, then the intent's questions."""

import re
from collections.abc import Sequence

from sipd_core.chat.answers import excerpt
from sipd_core.chat.turn import Intent, Verdict
from sipd_core.documents import Case, Hit
from sipd_core.texts import text

MOST = 4
LENGTH = 110
"""Characters of one suggestion: two lines of a button at 390 pixels."""

_SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n+")
_CHECK = re.compile(r"^(?:\d+[.)]\s*)?(?:mohon |harap |jangan lupa )?(?:periksa|cek|pastikan|bandingkan|uji|lihat|tinjau|perhatikan|konfirmasi|cocokkan)\b", re.I)


def suggest(intent: Intent, verdict: Verdict, hits: Sequence[Hit]) -> tuple[str, ...]:
    """At most four different next steps, the most fitting first; never empty."""
    chosen: list[str] = []
    if verdict is not Verdict.NOT_FOUND and hits:
        chosen += _checks(hits[0].case)
        chosen += _other_cases(hits)
    if verdict is not Verdict.FOUND or not chosen:
        chosen += _questions(intent)
    return tuple(dict.fromkeys(chosen))[:MOST]


def _checks(case: Case) -> list[str]:
    """Sentences of the notes that tell what to look at, two at the most."""
    sentences = [part.strip(" ;.") for note in (case.note_qa, case.note_dev) for part in _SENTENCE.split(note)]
    return [excerpt(sentence, LENGTH) for sentence in sentences if _CHECK.match(sentence)][:2]


def _other_cases(hits: Sequence[Hit]) -> list[str]:
    """Complaints of the next cases: one click asks whether this is the better match."""
    lead = hits[0]
    close = [hit.case for hit in hits[1:] if hit.relevance >= lead.relevance / 2 and hit.case.remedy]
    return [excerpt(case.issue, LENGTH) for case in close[:2]]


def _questions(intent: Intent) -> list[str]:
    if intent is Intent.ERROR:
        intent = Intent.GENERAL_INQUIRY
    return [text(f"answer.suggest.{intent}.{name}") for name in ("a", "b")]
