"""How the lab writes things down: settings, shares, names of runs and cases, widgets for the figures of a search."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from pages.shell.plain import plain
from sipd_core.documents import Case
from sipd_core.locale_id import UNKNOWN, moment, number, percent
from sipd_core.retrieval import CALIBRATED_GRAMS, CALIBRATED_VECTOR, RetrievalSettings
from sipd_core.scoring import Figures
from sipd_core.store.runs import Run
from sipd_core.texts import text

TITLE = 110
"""Characters of a case's name in a list."""
_THRESHOLDS = tuple(step / 20 for step in range(1, 20))
_TOP = tuple(range(1, 21))
_VECTOR = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
_GRAMS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
_CANDIDATES = (10, 20, 50, 100, 200, 400, 800)


def named(retrieval: RetrievalSettings) -> str:
    """The figures of a search in one line, not yet escaped."""
    parts = [text("laboratory.named.threshold", n=number(retrieval.threshold, 2))]
    if retrieval.use_vectors:
        parts.append(text("laboratory.named.vector", n=number(retrieval.order_vector, 2)))
    parts.append(text("laboratory.named.grams", n=number(retrieval.order_grams, 2)))
    if retrieval.use_vectors:
        parts.append(text("laboratory.named.candidates", n=number(retrieval.vector_candidates)))
    parts.append(text("laboratory.named.top", n=number(retrieval.top_k)))
    mode = "both" if retrieval.use_vectors else "words"
    return " · ".join([text(f"laboratory.mode.{mode}"), *parts])


def differences(first: RetrievalSettings, second: RetrievalSettings) -> list[tuple[str, str, str]]:
    """(name, first, second) of every figure in which two settings differ."""
    both = {name: (_said(first, name), _said(second, name)) for name in _NAMES}
    return [(text(f"laboratory.figure.{name}"), a, b) for name, (a, b) in both.items() if a != b]


_NAMES = ("use_vectors", "threshold", "top_k", "order_vector", "order_grams", "vector_candidates", "sureness")


def _said(retrieval: RetrievalSettings, name: str) -> str:
    value = getattr(retrieval, name)
    if isinstance(value, bool):
        return text(f"laboratory.mode.{'both' if value else 'words'}")
    return number(value, 0 if isinstance(value, int) else 2)


def run_name(run: Run) -> str:
    """When a run was and what it went by, not yet escaped."""
    return f"{moment(run.at)} · {named(run.retrieval)}"


def case_name(case: Case | None) -> str:
    """Menu and complaint of a case in one line, not yet escaped."""
    if case is None:
        return text("laboratory.case_gone")
    return f"{case.menu or text('chat.card.no_menu')} — {' '.join(case.issue.split())}"[:TITLE]


def shares(figures: Figures | None) -> dict[str, float | None]:
    """The figures that runs are judged by, name -> share of one; None where unknown."""
    ranking = figures.ranking if figures else None
    abstention = figures.abstention if figures else None
    return {
        "hit_1": ranking.hit_1 if ranking else None,
        "hit_3": ranking.hit_3 if ranking else None,
        "mrr": ranking.mrr if ranking else None,
        "ndcg": ranking.ndcg if ranking else None,
        "auroc": abstention.auroc if abstention else None,
        "false_accepts": abstention.false_accepts if abstention else None,
        "false_refusals": abstention.false_refusals if abstention else None,
    }


IS_SHARE = frozenset({"hit_1", "hit_3", "false_accepts", "false_refusals"})
"""Figures that are written as percentages; the others as numbers between 0 and 1."""
LESS_IS_BETTER = frozenset({"false_accepts", "false_refusals", "p50_ms", "p95_ms"})


def figure(name: str, value: float | None) -> str:
    """One of the figures of `shares` as a person reads it."""
    return percent(value, 1) if name in IS_SHARE else number(value, 3)


def change(name: str, before: float | None, after: float | None) -> str:
    """By how much a figure changed, with its sign; in points for percentages."""
    if before is None or after is None:
        return UNKNOWN
    moved = after - before
    sign = "+" if moved > 0 else "−" if moved < 0 else "±"
    size = number(abs(moved) * 100, 1) if name in IS_SHARE else number(abs(moved), 3)
    return text("laboratory.points", n=f"{sign}{size}") if name in IS_SHARE else f"{sign}{size}"


def choose_retrieval(start: RetrievalSettings, key: str) -> RetrievalSettings:
    """Widgets for the figures of a search, which begin at `start`; what comes of them is not fitted yet."""
    mode = st.segmented_control(
        text("laboratory.figure.use_vectors"),
        ["both", "words"],
        default="both" if start.use_vectors else "words",
        required=True,
        format_func=lambda name: text(f"laboratory.mode.{name}"),
        key=f"{key}.mode",
    )
    both = (mode or "both") == "both"
    with st.grid(columns=3, min_column_width=220):
        threshold = _pick("threshold", _THRESHOLDS, start.threshold, key, 2)
        vector = _pick("order_vector", _VECTOR, start.order_vector, key, 2, disabled=not both)
        grams = _pick("order_grams", _GRAMS, start.order_grams, key, 2)
        candidates = _pick("vector_candidates", _CANDIDATES, start.vector_candidates, key, 0, disabled=not both)
        top = _pick("top_k", _TOP, start.top_k, key, 0)
    chosen = replace(
        start,
        threshold=threshold,
        top_k=int(top),
        order_vector=vector,
        order_grams=grams,
        vector_candidates=int(candidates),
        use_vectors=both,
    )
    if (chosen.order_vector, chosen.order_grams, both) != (start.order_vector, start.order_grams, start.use_vectors):
        chosen = replace(chosen, sureness=1.0)  # what was fitted for other weights says nothing of these
    draw_calibration(chosen)
    return chosen


def _pick(
    name: str, options: Sequence[float], start: float, key: str, decimals: int, *, disabled: bool = False
) -> float:
    return st.select_slider(
        text(f"laboratory.figure.{name}"),
        sorted({*options, start}),
        start,
        format_func=lambda value: number(value, decimals),
        help=text(f"laboratory.figure_help.{name}"),
        key=f"{key}.{name}",
        disabled=disabled,
    )


def draw_calibration(retrieval: RetrievalSettings) -> None:
    """What to make of the relevance when it was not learnt for these weights."""
    if retrieval.is_calibrated:
        return
    key = "laboratory.uncalibrated" if retrieval.sureness == 1.0 else "laboratory.fitted"
    said = text(
        key,
        vector=number(CALIBRATED_VECTOR, 2),
        grams=number(CALIBRATED_GRAMS, 2),
        factor=number(retrieval.sureness, 2),
    )
    st.caption(f":orange[:material/tune:] {plain(said)}")
