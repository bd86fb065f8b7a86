"""How far a case contradicts a question that its words and its meaning fit: another document, payment or symptom.

One reason to change: what such a difference costs a case. Counted on the best cases of 355 questions of the field, those
that answer them and have a relevance of at least .5 (291): another payment 0, a document that the complaint does not name
5, a symptom of another kind 12, the last two together 0.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sipd_core.documents import Case
from sipd_core.knowledge.distinctions import answers_to
from sipd_core.language import CONCEPT_MARK, concepts, stems, words

SERIOUS: Final = 2
"""Points from which a case is at most worth a look."""
DOUBTED: Final = 0.8
"""Factor for a single point."""
WORTH_A_LOOK: Final = 0.45
"""Most that a case with SERIOUS points is worth: below the threshold, above what is worth nothing."""
_MEANT: Final = {
    f"{CONCEPT_MARK}~{name}": symptom
    for name, symptom in {
        "kosong": "hilang",
        "ganda": "ganda",
        "beda": "beda",
        "lambat": "lambat",
        "kunci": "kunci",
        "tolak": "tolak",
        "lupa": "lupa",
        "blokir": "nonaktif",
    }.items()
}
"""Everyday words for a symptom -> the symptom as `distinctions.tsv` names it."""
_KINDS: Final = frozenset("hilang ganda beda lambat tolak minus lebih kurang error nonaktif lupa retur".split())
"""Symptoms that are one thing or another; what was being done (cetak, simpan) may well be both."""
_UNSAID: Final = 2


@dataclass(frozen=True, slots=True)
class _Claims:
    """What a text says as far as it can be contradicted."""

    documents: frozenset[str]
    payments: frozenset[str]
    symptoms: frozenset[str]
    elements: frozenset[str]


def contradictions(question: str, case: Case) -> int:
    """Points against a case as the answer to a question in plain Indonesian (`clean_query`); 0: nothing speaks against it."""
    asked, told = _claims(question), _claims(f"{case.menu} {case.issue}")
    everything = _claims(f"{case.menu} {case.issue} {case.remedy} {case.expected} {case.note_dev} {case.note_qa}")
    points = int(bool(asked.documents - told.documents))
    points += int(_apart(asked.symptoms & _KINDS, told.symptoms & _KINDS))
    if _apart(asked.payments, told.payments):
        points += SERIOUS
    elif asked.payments and not asked.payments & everything.payments:
        points += 1
    return points + SERIOUS * _tells_of_more(asked, told, _claims(case.issue))


def tempered(relevance: float, points: int) -> float:
    """What is left of a relevance with so many points against the case."""
    if not points:
        return relevance
    return min(relevance * DOUBTED, WORTH_A_LOOK) if points >= SERIOUS else relevance * DOUBTED


def _apart(one: frozenset[str], other: frozenset[str]) -> bool:
    return bool(one and other and not one & other)


def _tells_of_more(asked: _Claims, told: _Claims, complaint: _Claims) -> bool:
    """A symptom and several things that the question does not mention, while the question's own symptom is not there."""
    further = (complaint.symptoms - asked.symptoms) & _KINDS
    unsaid = told.elements - asked.elements
    shared = asked.elements & told.elements
    return bool(asked.symptoms - complaint.symptoms and further) and len(unsaid) >= _UNSAID and not shared


@lru_cache(maxsize=20_000)
def _claims(text: str) -> _Claims:
    said = words(text)
    answers = answers_to(said)
    meant = {_MEANT[concept] for concept in concepts(stems(said)) if concept in _MEANT}
    none: frozenset[str] = frozenset()
    return _Claims(
        answers.get("dokumen", none),
        answers.get("pembayaran", none),
        answers.get("gejala", none) | meant,
        answers.get("unsur", none),
    )
