"""Where the time of one turn went. One reason to change: which stages a turn goes through, and in which order."""

from collections.abc import Mapping

from sipd_core.store.traces import TurnTrace

WAIT, WRITE, OTHER = "first_token", "write", "other"
BEFORE = ("mask", "embed", "search")
"""What is done before anybody begins to write."""


def stages_of(trace: TurnTrace) -> Mapping[str, float]:
    """Milliseconds by stage, in their order; together they are the whole turn, what no stage explains is OTHER.

    Intent and mood are read while nobody waits: after a model has written, or before the console shows its own words.
    """
    timings, total = trace.timings_ms, trace.total_ms or 0.0
    spent = {stage: timings[stage] for stage in BEFORE if stage in timings}
    begun = timings.get("first_token")
    classify = timings.get("classify", 0.0)
    if begun is not None:
        spent[WAIT] = max(begun - sum(spent.values()) - (0.0 if trace.model else classify), 0.0)
        if classify:
            spent["classify"] = classify
        spent[WRITE] = max(total - sum(spent.values()), 0.0)
    else:
        spent[OTHER] = max(total - sum(spent.values()), 0.0)
    return {stage: took for stage, took in spent.items() if took > 0}
