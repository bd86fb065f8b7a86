"""How a message feels, -1 (very negative) .. 1 (very positive), read locally and without a token.

At a help desk a plain fault report is neutral: the examples (data/training/sentiment.csv) teach that, and the lexicon
(data/training/sentiment_lexicon.tsv) brings polarity words with negation, degree, contrast and the marks of irony.
"""

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from sipd_core.chat.classifier import Array, Blend, Example, TextClassifier, tokens
from sipd_core.embeddings import Vectors
from sipd_core.errors import SipdError

Label = Literal["positif", "netral", "negatif"]
LABELS: tuple[Label, ...] = ("positif", "netral", "negatif")

NEUTRAL_BAND = 0.25
"""A score nearer to zero than this is neutral; the model keeps its own scores `_CLEARANCE` away from the border."""

_CLEARANCE = 0.05
_USUAL = np.array([0.75, 0.0, -0.7])
"""Mean strength of the shipped examples, in the order of LABELS."""

_BANDS: Mapping[Label, tuple[float, float]] = {
    "positif": (NEUTRAL_BAND + _CLEARANCE, 1.0),
    "netral": (_CLEARANCE - NEUTRAL_BAND, NEUTRAL_BAND - _CLEARANCE),
    "negatif": (-1.0, -NEUTRAL_BAND - _CLEARANCE),
}
_BLEND = Blend(ngrams=1.0, cues=1.0, embedding=1.5)

Kind = Literal[
    "polarity", "thanks", "plea", "fault", "blame", "negation", "intensifier", "softener", "contrast", "pause"
]
_KINDS: frozenset[str] = frozenset(get_args(Kind))
_LONGEST_TERM = 4
_NEGATION_REACH = 3
"""Words a negation looks ahead: "tidak terlalu mengecewakan" is reached, the next clause is not."""
_FULL_DENIAL = -1.0
_CLITICS = ("nya", "lah", "kah", "ku", "mu", "pun", "na", "no", "e")
_PRAISE = 0.5
_TROUBLE = ("fault", "blame", "contrast")
_DEGREE = ("intensifier", "softener")
_PAUSES = frozenset(",.;:?!")
_DURATION = re.compile(
    r"\b(?:\d+|se|dua|tiga|empat|lima|enam|tujuh|sepuluh|ber\w+|three|two) ?-?"
    r"(?:jam|hari|minggu|bulan|tahun|kali|x|poe|weeks?|days?)\b"
)
_QUESTION = re.compile(
    r"^(?:\w+\W+){0,2}?"
    r"(?:apa(?:kah)?|bagaimana|gimana|gmn|berapa|siapa|kapan|di ?mana|boleh|bisa|how|where|what|can)\b"
)


@dataclass(frozen=True, slots=True)
class Term:
    """One entry of the lexicon: what it does, and how strongly (-1..1, a factor for degree words)."""

    kind: Kind
    strength: float


Lexicon = Mapping[str, Term]
"""Term of one to four words, lower case -> its entry."""


def load_lexicon(path: Path) -> Lexicon:
    """The tab-separated lexicon (term, kind, strength); raises SipdError when it is missing or malformed."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return dict(_entry(row) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, KeyError, ValueError) as error:
        raise SipdError(f"sentiment lexicon {path}: {error!r}") from error


def _entry(row: Mapping[str, str]) -> tuple[str, Term]:
    if row["kind"] not in _KINDS:
        raise ValueError(f"unknown kind {row['kind']!r}")
    return row["term"], Term(row["kind"], float(row["strength"]))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Hit:
    """One term met in a text: `value` is its polarity there, after negation and degree (0 for kinds without any)."""

    position: int
    kind: Kind
    value: float
    negated: bool = False


def find_terms(text: str, lexicon: Lexicon) -> list[Hit]:
    """The lexicon's terms in reading order, longest first; negation and degree are applied to what follows them."""
    words = tokens(text)
    found = list(_matches(words, lexicon))
    return [_in_context(index, found) for index in range(len(found))]


Match = tuple[int, int, Term]
"""First word, word after the last, entry."""


def _matches(words: Sequence[str], lexicon: Lexicon) -> Iterator[Match]:
    start = 0
    while start < len(words):
        for length in range(min(_LONGEST_TERM, len(words) - start), 0, -1):
            term = _lookup(" ".join(words[start : start + length]), lexicon)
            if term is not None:
                yield start, start + length, term
                break
        start += length if term is not None else 1


def _lookup(phrase: str, lexicon: Lexicon) -> Term | None:
    """The entry of `phrase`, or of `phrase` without its clitic ("petugasnya", "layanane")."""
    if phrase in _PAUSES:
        return Term("pause", 0.0)
    if phrase in lexicon:
        return lexicon[phrase]
    stems = (phrase.removesuffix(clitic) for clitic in _CLITICS if phrase.endswith(clitic))
    return next((lexicon[stem] for stem in stems if len(stem) > 3 and stem in lexicon), None)


def _in_context(index: int, found: Sequence[Match]) -> Hit:
    start, end, term = found[index]
    if term.kind not in ("polarity", "thanks", "fault"):
        return Hit(start, term.kind, 0.0)
    degree, denial = 1.0, 1.0
    for _, other_end, other in _same_clause_before(index, found):
        if other.kind == "negation" and start - other_end < _NEGATION_REACH and _denies(other, term):
            denial = -denial
        degree *= other.strength if other.kind in _DEGREE and other_end == start else 1.0
    if index + 1 < len(found) and found[index + 1][0] == end and found[index + 1][2].kind in _DEGREE:
        degree *= found[index + 1][2].strength
    value = max(-1.0, min(1.0, term.strength * degree))
    return Hit(start, term.kind, _negated(value) if denial < 0 else value, denial < 0)


def _denies(negation: Term, term: Term) -> bool:
    """A weak negation ("belum", "kurang") takes praise away and turns no anger into praise."""
    return negation.strength <= _FULL_DENIAL or term.strength > 0


def _same_clause_before(index: int, found: Sequence[Match]) -> Iterator[Match]:
    for match in reversed(found[:index]):
        if match[2].kind in ("pause", "contrast"):
            return
        yield match


def _negated(value: float) -> float:
    """A denied strong word turns round, weaker ("tidak kecewa"); a denied mild one says nothing ("belum lancar")."""
    return -0.7 * value if abs(value) > _PRAISE else 0.0


def sentiment_cues(text: str, lexicon: Lexicon) -> Array:
    """Twenty-four figures of -1..1: how much praise and blame, where, and what speaks for irony."""
    hits = find_terms(text, lexicon)
    lowered = text.lower()
    lasting = _DURATION.search(lowered) is not None
    asking = _QUESTION.search(lowered) is not None or text.rstrip().endswith("?")
    figures = [*_amounts(hits), *_meetings(hits, lasting), *_marks(hits), lasting, asking, "!" in text]
    return np.array(figures, dtype=np.float32)


def _amounts(hits: Sequence[Hit]) -> Iterator[float]:
    """Sum and strongest, for praise and for anger; and the sums after the last contrast, which carry the point."""
    turn = max((hit.position for hit in hits if hit.kind == "contrast"), default=-1)
    for sign in (1, -1):
        values = [(hit.position, sign * hit.value) for hit in hits if hit.kind == "polarity" and sign * hit.value > 0]
        yield math.tanh(sum(value for _, value in values))
        yield max((value for _, value in values), default=0.0)
        yield math.tanh(sum(value for position, value in values if position > turn))


def _meetings(hits: Sequence[Hit], lasting: bool) -> Iterator[bool]:
    """Who meets whom: praise or thanks beside trouble is how irony looks, without trouble it is meant."""
    praise = any(hit.value >= _PRAISE for hit in hits if hit.kind == "polarity")
    thanks = any(hit.value > 0 for hit in hits if hit.kind == "thanks")
    anger = any(hit.value < 0 for hit in hits)
    trouble = anger or lasting or any(hit.kind in _TROUBLE and not hit.negated for hit in hits)
    yield praise and not trouble
    yield praise and trouble
    yield thanks and not trouble
    yield thanks and trouble
    yield anger and not praise
    yield not any(hit.value for hit in hits)


def _marks(hits: Sequence[Hit]) -> Iterator[bool]:
    yield any(hit.negated and hit.value < 0 for hit in hits)
    yield any(hit.negated and hit.value > 0 for hit in hits)
    yield any(hit.negated and hit.kind == "fault" for hit in hits)
    for kind in ("plea", "contrast", "blame", "fault", "intensifier", "negation"):
        yield any(hit.kind == kind and not hit.negated for hit in hits)


class SentimentModel:
    """Reads the sentiment of a message; immutable once fitted, safe to share between threads."""

    def __init__(self, model: TextClassifier) -> None:
        self._model = model

    @classmethod
    def fit(cls, examples: Sequence[Example], vectors: Vectors | None, lexicon: Lexicon) -> Self:
        """Learns from examples with a strength; `vectors` are their query embeddings, shape (n, dimension).

        Raises SipdError when the examples do not cover the labels or the vectors do not belong to them.
        """
        return cls(TextClassifier(examples, vectors, partial(sentiment_cues, lexicon=lexicon), _BLEND, LABELS))

    def predict(self, text: str, vector: NDArray[np.float32] | None) -> float:
        """The sentiment of `text`, -1..1, and 0 without a word; `vector` is its query embedding or None.

        The likeliest label decides the band the score lies in; the strength inside it is the mean of what the label
        probabilities and the regression on the examples' strengths expect.
        """
        if not tokens(text):
            return 0.0
        reading = self._model.read(text, vector)
        expected = (float(reading.probabilities @ _USUAL) + reading.strength) / 2
        low, high = _BANDS[LABELS[int(reading.probabilities.argmax())]]
        return max(low, min(high, expected))


def label_of(score: float) -> Label:
    """The word for a score."""
    if abs(score) < NEUTRAL_BAND:
        return "netral"
    return "positif" if score > 0 else "negatif"
