"""Two runs side by side: what differs in their figures, whether it can be chance, and which questions it is about."""

from collections.abc import Sequence

import streamlit as st

from pages.shell import lab_figures, lab_force, lab_results, lab_sets, lab_state
from pages.shell.downloads import csv_bytes
from pages.shell.plain import plain, plain_line
from sipd_core.blocking import BlockingEngine
from sipd_core.comparison import Comparison, Outcome, Pair
from sipd_core.locale_id import duration, moment, number, percent
from sipd_core.retrieval import RetrievalSettings
from sipd_core.scoring import Duel
from sipd_core.store.runs import Run, RunStatus
from sipd_core.texts import text

_COLORS = {Outcome.WON: "green", Outcome.LOST: "red", Outcome.SAME: "gray"}


def draw(engine: BlockingEngine) -> None:
    """Choose two runs of a set and see the second against the first."""
    sets = engine.laboratory.gold.sets()
    if not sets:
        lab_sets.draw_no_sets(engine)
        return
    chosen = lab_sets.choose_set(sets, engine, with_new=False)
    if chosen is None:
        return
    done = [run for run in engine.laboratory.runs(chosen.id) if run.status is RunStatus.DONE]
    if len(done) < 2:
        _too_few()
        return
    first, second = _choose(done, engine)
    if first.id == second.id:
        st.info(text("laboratory.compare.same_run"), icon=":material/compare_arrows:")
        return
    _draw(engine, engine.laboratory.compare(first.id, second.id))


def _too_few() -> None:
    with st.container(border=True):
        st.markdown(f"**{text('laboratory.compare.empty_title')}**")
        st.write(text("laboratory.compare.empty_body"))
        label = text("laboratory.compare.go")
        st.button(label, icon=":material/labs:", key="lab.compare.go", on_click=lab_state.go, args=("runs",))


def _choose(done: Sequence[Run], engine: BlockingEngine) -> tuple[Run, Run]:
    """Two runs: at first the newest with the figures in force, and the newest with others."""
    known = {run.id: run for run in done}
    in_force = engine.laboratory.retrieval
    newest = next((run for run in done if run.retrieval != in_force), done[0])
    against = next((run for run in done if run.retrieval == in_force and run.id != newest.id), None)
    against = against or next(run for run in done if run.id != newest.id)
    for key, start in ((lab_state.FIRST, against), (lab_state.SECOND, newest)):
        if st.session_state.get(key) not in known:
            st.session_state[key] = start.id
    with st.grid(columns=2, min_column_width=300):
        for name, key in (("first", lab_state.FIRST), ("second", lab_state.SECOND)):
            st.selectbox(
                text(f"laboratory.compare.{name}"),
                list(known),
                format_func=lambda id_: _option(known[id_], in_force),
                key=key,
            )
    return known[st.session_state[lab_state.FIRST]], known[st.session_state[lab_state.SECOND]]


def _option(run: Run, in_force: RetrievalSettings) -> str:
    """When a run was, and in what it differs from what is in force: a whole line of figures would be cut off."""
    if run.retrieval == in_force:
        return text("laboratory.compare.in_force", at=moment(run.at))
    changed = [f"{name} {value}" for name, _, value in lab_figures.differences(in_force, run.retrieval)]
    return f"{moment(run.at)} · {', '.join(changed)}"


def _draw(engine: BlockingEngine, told: Comparison) -> None:
    _notices(told)
    _settings(told)
    _figures(told)
    _hints(told)
    lab_force.draw_apply(engine, told.second)
    _questions(told)


def _notices(told: Comparison) -> None:
    if not told.same_rows:
        st.warning(text("laboratory.compare.other_rows"), icon=":material/warning:")
    if told.unpaired:
        st.caption(text("laboratory.compare.unpaired", n=number(told.unpaired), common=number(len(told.pairs))))


def _settings(told: Comparison) -> None:
    changed = lab_figures.differences(told.first.retrieval, told.second.retrieval)
    if not changed:
        st.caption(text("laboratory.compare.same_figures"))
        return
    said = [text("laboratory.compare.change", name=name, first=first, second=second) for name, first, second in changed]
    st.markdown(f":material/tune: {plain_line(' · '.join(said))}")
    lab_figures.draw_calibration(told.second.retrieval)


def _figures(told: Comparison) -> None:
    """Every figure over the questions in common, and by how much it changed."""
    before, after = lab_figures.shares(told.before), lab_figures.shares(told.after)
    columns = [text(f"laboratory.compare.column_{name}") for name in ("figure", "first", "second", "change")]
    rows = [
        (
            text(f"laboratory.share.{name}"),
            lab_figures.figure(name, before[name]),
            lab_figures.figure(name, after[name]),
            lab_figures.change(name, before[name], after[name]),
        )
        for name in before
        if after[name] is not None
    ]
    for name in ("p50_ms", "p95_ms"):
        times = duration(getattr(told.before, name)), duration(getattr(told.after, name))
        rows.append((text(f"laboratory.share.{name}"), *times, ""))
    st.dataframe([dict(zip(columns, row, strict=True)) for row in rows], hide_index=True, width="stretch")


def _hints(told: Comparison) -> None:
    """For each kind of difference how many questions it rests on, and whether chance explains it."""
    duels = [("hits", told.hits), ("ranks", told.ranks)]
    duels += [("refusals", told.refusals)] if told.after.abstention else []
    for name, duel in duels:
        st.markdown(_hint(name, duel))


def _hint(name: str, duel: Duel) -> str:
    counts = text(f"laboratory.compare.{name}", won=number(duel.won), lost=number(duel.lost), tied=number(duel.tied))
    if not duel.won + duel.lost:
        return f":gray[:material/drag_handle:] {plain(counts)}"
    key = "sure" if duel.is_sure else "chance"
    color, icon = ("green" if duel.won > duel.lost else "red", "verified") if duel.is_sure else ("orange", "casino")
    verdict = text(f"laboratory.compare.{key}", p=number(duel.chance, 3))
    return f":{color}[:material/{icon}:] {plain(f'{counts} {verdict}')}"


def _questions(told: Comparison) -> None:
    st.subheader(text("laboratory.compare.questions"), anchor=False)
    by_outcome = {one: [pair for pair in told.pairs if pair.outcome is one] for one in Outcome}
    chosen = st.segmented_control(
        text("laboratory.results.show"),
        list(Outcome),
        default=Outcome.WON if by_outcome[Outcome.WON] else Outcome.LOST,
        required=True,
        format_func=lambda one: text(f"laboratory.compare.show_{one}", n=number(len(by_outcome[one]))),
        key=f"lab.compare.{told.first.id}.{told.second.id}",
        label_visibility="collapsed",
    )
    rows = by_outcome[chosen or Outcome.WON]
    if not rows:
        st.caption(text("laboratory.compare.none"))
    else:
        st.dataframe(
            [_line(pair) for pair in rows[: lab_results.ROWS_SHOWN]],
            hide_index=True,
            width="stretch",
            column_config={text("laboratory.results.column_query"): st.column_config.TextColumn(width="medium")},
        )
    name = text("laboratory.compare.file")
    lab_results.draw_download(lambda: _file(told), name, f"{told.first.id}.{told.second.id}")


def _file(told: Comparison) -> bytes:
    header = [text(f"laboratory.compare.file_{name}") for name in ("query", "outcome", "first", "second")]
    return csv_bytes(
        header,
        (
            (
                pair.after.query,
                text(f"laboratory.outcome.{pair.outcome}"),
                lab_results.rank_name(pair.before),
                lab_results.rank_name(pair.after),
            )
            for pair in told.pairs
        ),
    )


def _line(pair: Pair) -> dict[str, str]:
    return {
        text("laboratory.results.column_query"): pair.after.query,
        text("laboratory.editor.column_style"): pair.after.answered.style,
        text("laboratory.compare.rank_first"): lab_results.rank_name(pair.before),
        text("laboratory.compare.rank_second"): lab_results.rank_name(pair.after),
        text("laboratory.compare.relevance_first"): percent(pair.before.answered.relevance, 1),
        text("laboratory.compare.relevance_second"): percent(pair.after.answered.relevance, 1),
        text("laboratory.compare.best_first"): pair.before.best,
        text("laboratory.compare.best_second"): pair.after.best,
    }
