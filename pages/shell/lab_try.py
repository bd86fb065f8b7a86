"""One question from its text to its verdict, drawn stage by stage."""

from collections.abc import Sequence

import streamlit as st

from pages.shell import cards, charts, lab_chart, lab_figures, lab_state
from pages.shell.frame import errors_shown
from pages.shell.lab_state import Explained
from pages.shell.plain import plain, plain_line
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import Verdict
from sipd_core.knowledge.explain import Candidate, Explanation
from sipd_core.knowledge.relevance import Judgement
from sipd_core.locale_id import duration, number, percent
from sipd_core.tables.gold import LONGEST_QUESTION
from sipd_core.texts import text

LOW, HIGH = 0.35, 0.75
"""Bounds of a chance that is called small or large; they choose words and decide nothing."""
_LOOKS = {Verdict.FOUND: "green", Verdict.PARTIAL: "orange", Verdict.NOT_FOUND: "red"}


def draw(engine: BlockingEngine) -> None:
    """The box for a question, and every stage of what came of the last one."""
    with st.container(border=True):
        typed = st.text_area(
            text("laboratory.try.label"),
            placeholder=text("laboratory.try.placeholder"),
            height=90,
            key="lab.try.question",
            max_chars=LONGEST_QUESTION,
        )
        with st.expander(text("laboratory.try.settings"), icon=":material/tune:"):
            retrieval = lab_figures.choose_retrieval(engine.laboratory.retrieval, "lab.try")
        label = text("laboratory.try.button")
        asked = st.button(label, type="primary", icon=":material/search:", key="lab.try.go")
        if asked and not typed.strip():
            st.info(text("laboratory.try.empty"), icon=":material/edit:")
        elif asked:
            with errors_shown(), st.spinner(text("laboratory.try.working")):
                lab_state.keep_explained(Explained(typed, engine.laboratory.explain(typed, retrieval)))
    if explained := lab_state.explained():
        _draw(explained.typed, explained.told)


def _draw(typed: str, told: Explanation) -> None:
    _verdict(told)
    _texts(typed, told)
    _candidates(told)
    if told.judgement:
        _relevance(told, told.judgement)


def _verdict(told: Explanation) -> None:
    """The outcome first, with the threshold it was compared to."""
    result = told.result
    color = _LOOKS[result.verdict]
    with st.container(border=True, key="lab-verdict"):
        label = cards.badge(color, text(f"chat.verdict.{result.verdict}"))
        st.markdown(f"### {label} {percent(result.relevance, 1)}")
        first = told.fused[0].case if told.fused else None
        reason = text(
            f"laboratory.ground.{result.ground}",
            relevance=number(result.relevance, 3),
            threshold=number(told.retrieval.threshold, 2),
            partial=number(told.partial_from, 2),
        )
        st.markdown(plain(reason))
        if first:
            st.caption(plain_line(text("laboratory.try.first", name=lab_figures.case_name(first))))
        timings = result.timings_ms
        taken = text(
            "laboratory.try.timings",
            embed=duration(timings.get("embed")),
            search=duration(timings.get("search")),
            version=number(told.version),
        )
        st.caption(taken)
        if result.degraded:
            st.warning(plain(result.degraded), icon=":material/warning:")
        lab_figures.draw_calibration(told.retrieval)


def _texts(typed: str, told: Explanation) -> None:
    """Original, masked, cleaned, embedded; and what was done on the way."""
    cleaning = told.cleaning
    _stage(1, "text")
    with st.container(border=True):
        for name, shown in (
            ("typed", typed),
            ("masked", told.masked),
            ("clean", cleaning.clean),
            ("embedded", told.embedded),
        ):
            st.markdown(f"**{text(f'laboratory.try.{name}')}**  \n{plain(shown)}")
        done = [
            *((("violet", cards.masked_sentence(told.masks)),) if told.masks else ()),
            *(("blue", text("laboratory.try.expanded", short=short, full=full)) for short, full in cleaning.expanded),
            *(("green", text("laboratory.try.named", short=short, full=full)) for short, full in cleaning.named),
        ]
        if done:
            st.markdown(" ".join(cards.badge(color, said) for color, said in done))
        for name, items in (
            ("dropped", cleaning.dropped),
            ("ignored", cleaning.ignored),
            ("meanings", tuple(meaning.lstrip("~").replace("_", " ") for meaning in cleaning.meanings)),
        ):
            if items:
                st.caption(f"{text(f'laboratory.try.{name}')}: {plain_line(' · '.join(items))}")


def _candidates(told: Explanation) -> None:
    """The lists of both sides and what they come to together."""
    _stage(2, "candidates")
    if not told.fused:
        st.info(text("laboratory.ground.empty"), icon=":material/search_off:")
        return
    st.caption(
        text(
            "laboratory.try.considered",
            n=number(told.considered),
            shown=number(len(told.fused)),
            candidates=number(told.retrieval.vector_candidates),
        )
    )
    fused, meaning, worded = st.tabs([text(f"laboratory.try.{name}") for name in ("fused", "by_meaning", "by_words")])
    with fused:
        _chart(told)
        _table(told.fused, ("place", "case", "words", "grams", "meaning", "order", "relevance", "shared"))
    with meaning:
        if told.by_vectors:
            st.caption(text("laboratory.try.meaning_help"))
            _table(told.by_vectors, ("case", "cosine", "nearness", "place"))
        else:
            st.info(text("laboratory.try.no_meaning"), icon=":material/abc:")
    with worded:
        st.caption(text("laboratory.try.words_help"))
        _table(told.by_words, ("case", "share", "gram_cosine", "shared", "place"))


def _chart(told: Explanation) -> None:
    """What each side gave to the order of the best."""
    parts = {"words": [one.from_words for one in told.fused], "grams": [one.from_grams for one in told.fused]}
    if told.by_vectors:
        parts["vectors"] = [one.from_vectors or 0.0 for one in told.fused]
    named = {text(f"laboratory.try.from_{name}"): values for name, values in parts.items()}
    figure = lab_chart.contributions([one.place for one in told.fused], named)
    st.plotly_chart(figure, config=charts.CONFIG, key="lab.try.chart", alt=text("laboratory.try.chart_alt"))


def _table(rows: Sequence[Candidate], names: Sequence[str]) -> None:
    st.dataframe(
        [{text(f"laboratory.column.{name}"): _cell(row, name) for name in names} for row in rows],
        hide_index=True,
        width="stretch",
        column_config={
            text("laboratory.column.case"): st.column_config.TextColumn(width="medium"),
            text("laboratory.column.place"): st.column_config.TextColumn(width="small"),
        },
    )


def _cell(row: Candidate, name: str) -> str:
    scored = row.scored
    values = {
        "place": number(row.place),
        "case": lab_figures.case_name(row.case),
        "words": number(row.from_words, 3),
        "grams": number(row.from_grams, 3),
        "meaning": number(row.from_vectors, 3),
        "order": number(row.order, 3),
        "relevance": percent(scored.relevance, 1),
        "shared": ", ".join(scored.matched),
        "cosine": number(scored.vector, 3),
        "nearness": number(scored.nearness, 2),
        "share": percent(scored.lexical),
        "gram_cosine": number(scored.grams, 2),
    }
    return values[name]


def _relevance(told: Explanation, judged: Judgement) -> None:
    """What the relevance of the best case is made of, in words."""
    _stage(3, "relevance")
    with st.grid(columns=3, min_column_width=200, gap="xsmall"):
        for name, chance in (("scope", judged.scope), ("right", judged.right), ("relevance", told.result.relevance)):
            label = text(f"laboratory.judged.{name}")
            st.metric(label, percent(chance, 1), help=text(f"laboratory.judged.{name}_help"), border=True)
    field = _size(judged.scope)
    lead = _size(judged.right)
    said = [
        text(f"laboratory.judged.scope_{field}", odds=number(judged.field, 1)),
        text(f"laboratory.judged.right_{lead}", margin=number(judged.margin, 2), gap=number(judged.gap, 2)),
        text("laboratory.judged.formula"),
    ]
    if told.rivals_alike:
        said.append(text("laboratory.judged.alike", n=number(told.rivals_alike)))
    if judged.by_words:
        said.append(text("laboratory.judged.by_words"))
    st.markdown("\n".join(f"- {plain_line(one)}" for one in said))


def _size(chance: float) -> str:
    if chance >= HIGH:
        return "high"
    return "middle" if chance >= LOW else "low"


def _stage(place: int, name: str) -> None:
    st.subheader(text(f"laboratory.stage.{name}", n=place), anchor=False)
