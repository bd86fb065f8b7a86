"""How much other weights stretch the differences between cases, measured on the base itself and without labels.

One reason to change: how a relevance learnt for one pair of weights is carried over to another.

The relevance was learnt for the weights of retrieval.py. With others the best case stands out by more or by less, and a
threshold no longer means what it meant. One factor takes most of that back: the median lead that the best case has by
chance, on the shipped sentences that no base answers, with the learnt weights over that with the others. On two bases (180
and 324 cases) and ten pairs of weights it came to .36-1.55 where .25-1.74 was best for the right answers. What that does to
the log loss was measured with a near variant only, not with this one. The order of the cases is not touched.
"""

from dataclasses import replace
from statistics import mean, median

from sipd_core.knowledge.base import KnowledgeBase
from sipd_core.language import background_sentences
from sipd_core.retrieval import (
    CALIBRATED_GRAMS,
    CALIBRATED_VECTOR,
    RetrievalSettings,
)

SENTENCES = 120
"""Sentences asked with both pairs of weights."""
LEAST, MOST = 0.1, 10.0


async def with_sureness(base: KnowledgeBase, retrieval: RetrievalSettings) -> RetrievalSettings:
    """`retrieval` with the factor that its weights need on this base; 1 for the learnt ones, and without any case."""
    if retrieval.is_calibrated:
        return replace(retrieval, sureness=1.0)
    sentences = background_sentences()[:: max(len(background_sentences()) // SENTENCES, 1)][:SENTENCES]
    if retrieval.use_vectors:
        await base.read_ahead(sentences)
    learnt = replace(retrieval, order_vector=CALIBRATED_VECTOR, order_grams=CALIBRATED_GRAMS)
    before, after = await _lead(base, learnt, sentences), await _lead(base, retrieval, sentences)
    factor = before / after if before > 0 and after > 0 else 1.0
    return replace(retrieval, sureness=round(min(max(factor, LEAST), MOST), 3))


async def _lead(base: KnowledgeBase, retrieval: RetrievalSettings, sentences: tuple[str, ...]) -> float:
    """Median lead of the best case over its rivals, the mean where most have none; 0.0 without any case."""
    judged = [(await base.try_out(sentence, retrieval)).ranking.judgement for sentence in sentences]
    leads = [one.margin for one in judged if one is not None] or [0.0]
    return median(leads) or mean(leads)
