"""What one run found: its figures beside those of the run before, by style, by relevance, and question by question."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.shell import lab_figures, lab_force
from pages.shell.downloads import csv_bytes, download_button
from pages.shell.plain import plain
from sipd_core.blocking import BlockingEngine
from sipd_core.comparison import Outcome, Pair, compare
from sipd_core.locale_id import duration, number, percent
from sipd_core.scoring import RankingFigures
from sipd_core.store.runs import Run, RunAnswer
from sipd_core.texts import text

ROWS_SHOWN = 200


def draw(engine: BlockingEngine, run: Run, before: Run | None) -> None:
    """Everything about a run that came to its end; `before` is the one it is held against."""
    assert run.figures is not None
    answers = engine.laboratory.answers(run.id)
    pairs = _pairs(engine, run, answers, before)
    st.caption(plain(_circumstances(run, has_before=before is not None)))
    lab_figures.draw_calibration(run.retrieval)
    draw_tiles(run, before)
    lab_force.draw_apply(engine, run)
    styles, sureness, questions = st.tabs(
        [text(f"laboratory.results.{name}") for name in ("by_style", "reliability", "questions")]
    )
    with styles:
        _styles(run.figures.by_style)
    with sureness:
        _reliability(run)
    with questions:
        _questions(run, answers, pairs, before)


def _pairs(engine: BlockingEngine, run: Run, answers: Sequence[RunAnswer], before: Run | None) -> dict[str, Pair]:
    """Question id -> how both runs answered it."""
    if before is None:
        return {}
    compared = compare(before, engine.laboratory.answers(before.id), run, answers)
    return {pair.after.question_id: pair for pair in compared.pairs}


def _circumstances(run: Run, *, has_before: bool) -> str:
    parts = [
        text("laboratory.results.asked", n=number(run.done), version=number(run.version), cases=number(run.cases)),
        text("laboratory.results.model", model=run.model) if run.model else text("laboratory.results.no_model"),
    ]
    if has_before:
        parts.append(text("laboratory.results.deltas"))
    if run.skipped:
        parts.append(text("laboratory.results.skipped", n=number(run.skipped)))
    if run.moved:
        parts.append(text("laboratory.results.moved"))
    return " ".join(parts)


def draw_tiles(run: Run, before: Run | None) -> None:
    """The figures of a run, with what changed since the one before."""
    shares, earlier = lab_figures.shares(run.figures), lab_figures.shares(before.figures if before else None)
    tiles = sum(share is not None for share in shares.values()) + 2
    with st.grid(columns=tiles if tiles <= 6 else 5, min_column_width=140, gap="xsmall"):
        for name, share in shares.items():
            if share is not None:
                _tile(name, lab_figures.figure(name, share), earlier[name], share)
        for name in ("p50_ms", "p95_ms"):
            value = getattr(run.figures, name)
            st.metric(
                text(f"laboratory.share.{name}"),
                duration(value),
                help=text(f"laboratory.share_help.{name}"),
                border=True,
                height="stretch",
            )


def _tile(name: str, shown: str, before: float | None, after: float) -> None:
    moved = before is not None and round(after - before, 4) != 0
    st.metric(
        text(f"laboratory.share.{name}"),
        shown,
        lab_figures.change(name, before, after).replace("−", "-") if moved else None,
        delta_color="inverse" if name in lab_figures.LESS_IS_BETTER else "normal",
        help=text(f"laboratory.share_help.{name}"),
        border=True,
        height="stretch",
    )


def _styles(by_style: dict[str, RankingFigures]) -> None:
    st.dataframe(
        [
            {
                text("laboratory.editor.column_style"): style or text("laboratory.results.no_style"),
                text("laboratory.runs.column_n"): number(found.n),
                **{
                    text(f"laboratory.share.{name}"): lab_figures.figure(name, getattr(found, name))
                    for name in ("hit_1", "hit_3", "mrr", "ndcg")
                },
            }
            for style, found in by_style.items()
        ],
        hide_index=True,
        width="stretch",
    )


def _reliability(run: Run) -> None:
    """Whether a relevance of so much is right so often."""
    assert run.figures is not None
    st.caption(text("laboratory.results.reliability_help"))
    st.dataframe(
        [
            {
                text("laboratory.results.bounds"): text(
                    "laboratory.results.between", low=percent(one.low), high=percent(one.high)
                ),
                text("laboratory.runs.column_n"): number(one.n),
                text("laboratory.results.promised"): percent(one.relevance, 1),
                text("laboratory.results.kept"): percent(one.right, 1),
            }
            for one in run.figures.reliability
        ],
        hide_index=True,
        width="stretch",
    )


_FILTERS: dict[str, Callable[[RunAnswer, Pair | None], bool]] = {
    "all": lambda answer, pair: True,
    "won": lambda answer, pair: pair is not None and pair.outcome is Outcome.WON,
    "lost": lambda answer, pair: pair is not None and pair.outcome is Outcome.LOST,
    "wrong": lambda answer, pair: answer.answered.rank != 1 if answer.wanted else answer.answered.found,
}


def _questions(run: Run, answers: Sequence[RunAnswer], pairs: dict[str, Pair], before: Run | None) -> None:
    if before is not None:
        st.caption(plain(text("laboratory.results.against", name=lab_figures.run_name(before))))
    shown = list(_FILTERS) if before is not None else ["all", "wrong"]
    counts = {name: [one for one in answers if _FILTERS[name](one, pairs.get(one.question_id))] for name in shown}
    chosen = st.segmented_control(
        text("laboratory.results.show"),
        shown,
        default="all",
        required=True,
        format_func=lambda name: text(f"laboratory.results.show_{name}", n=number(len(counts[name]))),
        key=f"lab.results.{run.id}.show",
        label_visibility="collapsed",
    )
    rows = counts[chosen or "all"]
    st.dataframe(
        [_line(answer, pairs.get(answer.question_id)) for answer in rows[:ROWS_SHOWN]],
        hide_index=True,
        width="stretch",
        column_config={
            text("laboratory.results.column_query"): st.column_config.TextColumn(width="medium"),
            text("laboratory.results.column_best"): st.column_config.TextColumn(width="large"),
        },
    )
    if len(rows) > ROWS_SHOWN:
        st.caption(text("laboratory.results.more", n=number(len(rows) - ROWS_SHOWN)))
    draw_download(lambda: _file(answers, pairs), text("laboratory.results.file"), run.id)


def draw_download(content: Callable[[], bytes], file: str, key: str) -> None:
    """A button for a file of every question; `key` tells it from the same button for other runs."""
    download_button(
        text("laboratory.results.download"),
        content,
        file_name=file,
        mime="text/csv",
        icon=":material/download:",
        key=f"lab.download.{key}",
        on_click="ignore",
    )


def rank_name(answer: RunAnswer) -> str:
    """Place of the right case, or whether a question out of scope was refused."""
    if not answer.wanted:
        return text("laboratory.results.accepted" if answer.answered.found else "laboratory.results.refused")
    rank = answer.answered.rank
    return number(rank) if rank else text("laboratory.results.beyond")


def _line(answer: RunAnswer, pair: Pair | None) -> dict[str, str]:
    return {
        text("laboratory.results.column_query"): answer.query,
        text("laboratory.editor.column_style"): answer.answered.style,
        text("laboratory.results.column_rank"): rank_name(answer),
        text("laboratory.results.column_before"): rank_name(pair.before) if pair else "",
        text("laboratory.results.column_outcome"): text(f"laboratory.outcome.{pair.outcome}") if pair else "",
        text("laboratory.results.column_relevance"): percent(answer.answered.relevance, 1),
        text("laboratory.results.column_verdict"): text(f"chat.verdict.{answer.verdict}"),
        text("laboratory.results.column_best"): answer.best,
    }


def _file(answers: Sequence[RunAnswer], pairs: dict[str, Pair]) -> bytes:
    """Exact figures, for a spreadsheet rather than for reading."""
    header = (
        "query",
        "style",
        "gold",
        "rank",
        "rank_before",
        "outcome",
        "ndcg",
        "relevance",
        "verdict",
        "best_id",
        "best",
        "ms",
    )
    rows = []
    for answer in answers:
        told, pair = answer.answered, pairs.get(answer.question_id)
        before = pair.before.answered.rank if pair else None
        outcome = pair.outcome if pair else ""
        rows.append(
            [answer.query, told.style, "|".join(answer.wanted), told.rank, before, outcome, told.ndcg, told.relevance]
            + [answer.verdict, answer.best_id, answer.best, told.milliseconds]
        )
    return csv_bytes(header, rows)
