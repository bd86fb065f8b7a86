"""What an answer rests on and how it is judged, drawn: verdict, source cards, chips. Values in, elements out."""

from collections.abc import Mapping
from decimal import Decimal

import streamlit as st

from pages.shell.plain import answer_markdown, plain, plain_line, shortened
from sipd_core.chat.turn import AnsweredBy, Turn, Verdict
from sipd_core.documents import Case, Hit, ImportReport
from sipd_core.locale_id import duration, moment, number, percent, usd
from sipd_core.texts import catalogue, text

ISSUE_SHOWN = 88
"""Characters of a complaint on a card; the rest opens on demand (the longest complaint of a real log has 7,950)."""
CARDS_SHOWN = 3
"""Cards beside an answer; further ones fold away, so that the answer and its grounds fit on one small screen."""

_VERDICT_LOOKS = {
    Verdict.FOUND: ("green", "check_circle"),
    Verdict.PARTIAL: ("orange", "contrast"),
    Verdict.NOT_FOUND: ("red", "search_off"),
}


def badge(color: str, label: str, icon: str = "") -> str:
    """Markdown of one badge; the label is escaped here."""
    mark = f":material/{icon}: " if icon else ""
    return f":{color}-badge[{mark}{plain_line(label)}]"


def draw_verdict(turn: Turn) -> None:
    """The verdict in one word and what it means in one line."""
    color, icon = _VERDICT_LOOKS[turn.verdict]
    label = badge(color, text(f"chat.verdict.{turn.verdict}"), icon)
    st.markdown(f"{label} :gray[:small[{text(f'chat.verdict_meaning.{turn.verdict}')}]]", width="content")


def verdict_dot(verdict: Verdict | None) -> str:
    """Markdown of the verdict as a coloured sign, for lists; nothing when nothing was searched."""
    if verdict is None:
        return ""
    color, icon = _VERDICT_LOOKS[verdict]
    return f":{color}[:material/{icon}:]"


def draw_answer(response: str) -> None:
    """The answer itself, with its steps as a list."""
    st.markdown(answer_markdown(response))


def draw_chips(turn: Turn) -> None:
    """Whether a person should take over, intent, sentiment, what was masked and how long it took, small."""
    chips = [badge("orange", text("chat.escalate_needed"), "priority_high")] if turn.escalation.needed else []
    chips += [
        badge("blue", text(f"chat.intent.{turn.intent}"), "label"),
        badge("gray", text(f"chat.sentiment.{_mood(turn.sentiment)}"), "mood"),
        badge("gray", text("chat.took", time=duration(turn.timings_ms.get("total"))), "timer"),
    ]
    if turn.answered_by in (AnsweredBy.HOSTED, AnsweredBy.CACHE):
        chips.append(badge("blue", _writer(turn), "smart_toy"))
    if turn.masked:
        chips.append(badge("violet", masked_sentence(turn.masked), "lock"))
    st.markdown(f":small[{' '.join(chips)}]", help=_stages(turn) or None, width="content")


def _writer(turn: Turn) -> str:
    """Which model wrote the answer, from when, and what it cost."""
    model = turn.model.rpartition("/")[2]
    if turn.answered_by is AnsweredBy.CACHE:
        return text("chat.from_cache", model=model)
    cost = text("chat.price_unknown") if turn.cost_usd is None else usd(Decimal(str(turn.cost_usd)))
    return text("chat.written_by", model=model, cost=cost)


def masked_sentence(masked: Mapping[str, int]) -> str:
    """`Disamarkan: 1 NIP, 1 kata sandi`, not yet escaped."""
    items = [text("chat.masked_item", n=number(n), kind=_named("privacy.label", kind)) for kind, n in masked.items()]
    return text("chat.masked", items=", ".join(items))


def draw_sources(turn: Turn) -> None:
    """The cases behind the answer, best first; for an answer not found these are only the nearest ones."""
    for number_, hit in enumerate(turn.sources[:CARDS_SHOWN], start=1):
        draw_source(hit, turn.turn_id, mark=f"K{number_}" if turn.model else "")
    if further := turn.sources[CARDS_SHOWN:]:
        with st.expander(text("chat.sources_more", n=number(len(further))), type="compact"):
            for number_, hit in enumerate(further, start=CARDS_SHOWN + 1):
                draw_source(hit, turn.turn_id, mark=f"K{number_}" if turn.model else "")


def sources_title(turn: Turn) -> str:
    """Heading of the source cards, which says whether the answer rests on them."""
    key = "chat.sources_count" if turn.context_used else "chat.nearest_count"
    return text(key, n=number(len(turn.sources)))


def draw_source(hit: Hit, turn_id: str, *, mark: str = "") -> None:
    """One case as a card that stays low: how close, where it belongs, the complaint; the rest opens on demand.

    `mark` is what a hosted answer calls it.
    """
    case = hit.case
    with st.container(border=True, gap="xxsmall", key=f"case-{turn_id}-{case.id}"):
        marks = [badge("gray", mark)] if mark else []
        label = f":small[{' '.join([*marks, *case_badges(case)])} **{_relevance(hit)}**]"
        st.progress(min(max(hit.relevance, 0.0), 1.0), text=label)
        st.markdown(f":small[{plain_line(shortened(case.issue, ISSUE_SHOWN))}]")
        with st.expander(_card_label(hit), type="compact"):
            draw_case(case)


def draw_case(case: Case) -> None:
    """Everything recorded about a case."""
    st.markdown(plain(case.issue))
    draw_remedy(case)
    for key, value in (("expected", case.expected), ("note_dev", case.note_dev), ("note_qa", case.note_qa)):
        if value and value.strip() != case.remedy.strip():
            st.caption(f"**{text(f'chat.card.{key}')}:** {plain(value)}")
    status = f" · {text('chat.card.status', status=case.status)}" if case.status else ""
    st.caption(plain_line(origin(case) + status))


def draw_remedy(case: Case) -> None:
    """The remedy, or the plain statement that this case is only a precedent."""
    st.markdown(remedy_mark(case))
    if case.remedy:
        st.markdown(answer_markdown(case.remedy))


def remedy_mark(case: Case) -> str:
    """Markdown of what the case offers."""
    if case.remedy:
        return f":green[:material/task_alt: **{text('chat.card.remedy')}**]"
    return f":orange[:material/history: **{text('chat.card.precedent')}**]"


def origin(case: Case) -> str:
    """File, sheet and row of a case, not yet escaped."""
    if case.sheet:
        return text("chat.card.origin_sheet", file=case.file, sheet=case.sheet, row=number(case.row))
    return text("chat.card.origin", file=case.file, row=number(case.row))


def batch_name(report: ImportReport) -> str:
    """File and time of an import, not yet escaped."""
    return text("knowledge.table.batch_option", file=report.file, at=moment(report.at))


def case_badges(case: Case) -> list[str]:
    """Menu and sample mark of a case."""
    badges = [badge("blue", case.menu or text("chat.card.no_menu"), "folder_open")]
    if not case.enabled:
        badges.append(badge("gray", text("chat.card.disabled"), "visibility_off"))
    if case.sample:
        badges.append(badge("orange", text("chat.card.sample")))
    return badges


def _relevance(hit: Hit) -> str:
    return text("chat.card.relevance", percent=percent(hit.relevance))


def _card_label(hit: Hit) -> str:
    also = f" · {text('chat.card.also_reported', n=number(hit.also_reported))}" if hit.also_reported else ""
    return f"{remedy_mark(hit.case)}{also}"


def _mood(sentiment: float) -> str:
    """Word for a sentiment of -1..1; the bounds only choose a word and decide nothing."""
    if sentiment <= -0.6:
        return "very_negative"
    if sentiment < -0.4:
        return "negative"
    return "neutral" if sentiment <= 0.3 else "positive"


def _stages(turn: Turn) -> str:
    stages = [
        text("chat.stage", name=_named("chat.stages_names", name), time=duration(ms))
        for name, ms in turn.timings_ms.items()
        if name != "total"
    ]
    return plain_line(text("chat.stages", stages=", ".join(stages))) if stages else ""


def _named(area: str, name: str) -> str:
    """The catalogue's word for an engine's key, the key itself when the engine knows a newer one."""
    return catalogue().get(f"{area}.{name}", name.replace("_", " "))
