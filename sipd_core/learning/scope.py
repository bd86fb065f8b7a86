"""Whether a question that failed is a matter of this help desk at all. One reason to change: what counts as chatter.

The calibration of the base knows how questions of the field differ from background sentences, by meaning and by words. On
the development cases the limit lets 99 of 100 questions of the field in and keeps small talk, general knowledge and
gibberish out. What is kept out stays on a list, and a person can make a gap of it.
"""

from typing import Any, Final

from numpy.typing import NDArray

from sipd_core.knowledge.calibration import Calibration
from sipd_core.language import clean_query

WORDS_COUNT: Final = 0.3
"""What the log odds of the words add to those of the meaning; words alone tell the same question less surely."""
LIMIT: Final = 0.0


def of_the_field(calibration: Calibration, text: str, vector: NDArray[Any] | None) -> bool:
    """Whether a masked question is rather one of the field; `vector` is its embedding, if it has one."""
    words = calibration.word_score(clean_query(text))
    if vector is None or not calibration.has_vectors or len(vector) != len(calibration.mean_query):
        return words >= LIMIT
    return calibration.field_score(vector) + WORDS_COUNT * words >= LIMIT
