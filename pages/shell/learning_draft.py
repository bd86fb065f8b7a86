"""The draft of a row: menu guessed, complaint from the questions, remedy from an operator's own words."""

import hashlib
from dataclasses import replace

import streamlit as st

from pages.shell import session
from pages.shell.frame import draw_problem, errors_kept
from pages.shell.plain import plain, plain_line, shortened
from pages.shell.resources import acting_name, may
from sipd_core.documents import Case
from sipd_core.learning.desk import LearningDesk
from sipd_core.learning.model import Draft, Gap, GapDetail, Remedy
from sipd_core.locale_id import moment, number
from sipd_core.permissions import Permission
from sipd_core.texts import text

_FIELDS = ("menu", "issue", "remedy")
REMEDIES_SHOWN = 3
_PLACE = "learning.draft"


def draw_draft(desk: LearningDesk, detail: GapDetail) -> None:
    """The fields of the draft, what operators wrote beside them, and the buttons.

    What was typed and not saved yet is there again when its page is left and opened again.
    """
    gap, draft = detail.gap, detail.gap.draft
    assert draft is not None
    with st.container(border=True):
        st.markdown(
            f"**{text('learning.draft.again' if gap.published_at and gap.case_id else 'learning.draft.heading')}**"
        )
        st.caption(text("learning.draft.help"))
        keys = {name: _key(gap, draft, name) for name in _FIELDS}
        _draw_menu(desk, draft.menu, keys["menu"])
        _put(keys["issue"], draft.issue)
        st.text_area(
            text("learning.draft.issue"),
            key=keys["issue"],
            height=110,
            help=text("learning.draft.issue_help"),
            persist_state="session",
        )
        _put(keys["remedy"], draft.remedy)
        hint = text("learning.draft.remedy_hint")
        st.text_area(
            text("learning.draft.remedy"), key=keys["remedy"], height=150, placeholder=hint, persist_state="session"
        )
        _draw_remedies(desk, detail, keys)
        _draw_neighbour(desk, gap, draft, keys)
        _draw_buttons(desk, gap, draft, keys)


def _key(gap: Gap, draft: Draft, name: str) -> str:
    """A field's key: a draft that was saved otherwise meanwhile gets fields of its own."""
    stamp = hashlib.sha256(repr(draft).encode()).hexdigest()[:8]
    return f"learning.draft.{gap.id}.{name}.{stamp}"


def _put(key: str, value: str) -> None:
    st.session_state.setdefault(key, value)


def _draw_menu(desk: LearningDesk, menu: str, key: str) -> None:
    names = list(dict.fromkeys([*([menu] if menu else []), *desk.base_menus()]))
    _put(key, menu or None)  # type: ignore[arg-type]
    st.selectbox(
        text("learning.draft.menu"),
        names,
        key=key,
        accept_new_options=True,
        placeholder=text("learning.draft.menu_hint"),
        help=text("learning.draft.menu_help"),
        persist_state="session",
    )


def _draw_remedies(desk: LearningDesk, detail: GapDetail, keys: dict[str, str]) -> None:
    """Operators' own words, each of which can become the remedy."""
    found = desk.remedies(detail)
    if not found:
        st.caption(f":material/info: {text('learning.draft.no_remedy')}")
        return
    with st.expander(text("learning.draft.remedies", n=number(len(found))), icon=":material/support_agent:"):
        for place, remedy in enumerate(found[:REMEDIES_SHOWN]):
            with st.container(border=True, gap="xsmall"):
                st.markdown(plain(remedy.text))
                st.caption(plain_line(_said_by(remedy)))
                label, args = text("learning.draft.use"), (keys["remedy"], remedy.text)
                st.button(
                    label, key=f"learning.use.{place}", icon=":material/content_paste_go:", on_click=_use, args=args
                )


def _said_by(remedy: Remedy) -> str:
    return text(f"learning.origin.{remedy.origin}", source=remedy.source, actor=remedy.actor, at=moment(remedy.at))


def _use(key: str, value: str) -> None:
    st.session_state[key] = value


def _draw_neighbour(desk: LearningDesk, gap: Gap, draft: Draft, keys: dict[str, str]) -> None:
    """The nearest row without a remedy: completing it may be all that is needed."""
    if draft.case_id and (row := desk.completed(draft)) is not None:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            said = text("learning.draft.completes", issue=shortened(row.issue, 120))
            st.markdown(f":material/link: {plain_line(said)}", width="stretch")
            st.button(
                text("learning.draft.own"), key="learning.own", on_click=_complete, args=(desk, gap, draft, keys, None)
            )
    elif not gap.case_id and (near := desk.neighbour(gap)) is not None:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            said = text("learning.draft.neighbour", issue=shortened(near.issue, 120))
            st.markdown(f":material/lightbulb: {plain_line(said)}", width="stretch")
            st.button(
                text("learning.draft.complete"),
                key="learning.complete",
                on_click=_complete,
                args=(desk, gap, draft, keys, near),
            )


def _complete(desk: LearningDesk, gap: Gap, draft: Draft, keys: dict[str, str], row: Case | None) -> None:
    written = _typed(draft, keys)
    changed = replace(written, case_id="")
    if row is not None:
        remedy = written.remedy if written.remedy.strip() else row.remedy
        changed = Draft(row.menu, row.issue, remedy, row.id, written.origin, written.source)
    with errors_kept(_PLACE):
        desk.save_draft(gap.id, changed, actor=acting_name())


def _draw_buttons(desk: LearningDesk, gap: Gap, draft: Draft, keys: dict[str, str]) -> None:
    args = (desk, gap, draft, keys)
    with st.container(horizontal=True, vertical_alignment="center"):
        if may(Permission.LEARN_PUBLISH):
            st.button(
                text("learning.action.publish"),
                type="primary",
                icon=":material/publish:",
                key="learning.publish",
                on_click=_publish,
                args=args,
            )
        st.button(text("learning.action.save"), icon=":material/save:", key="learning.save", on_click=_save, args=args)
        if _typed(draft, keys) != draft:
            _draw_unsaved(draft, keys)
    draw_problem(_PLACE)
    if not may(Permission.LEARN_PUBLISH):
        st.caption(text("learning.draft.admin_publishes"))


def _draw_unsaved(draft: Draft, keys: dict[str, str]) -> None:
    """That something was typed which nobody else sees yet, and the way back to what is saved."""
    st.markdown(f":orange[:material/edit_note: {text('learning.draft.unsaved')}]", width="content")
    label = text("learning.action.discard")
    st.button(label, type="tertiary", key="learning.discard", on_click=_discard, args=(draft, keys))


def _discard(draft: Draft, keys: dict[str, str]) -> None:
    for name, key in keys.items():
        st.session_state[key] = getattr(draft, name) or (None if name == "menu" else "")


def _typed(draft: Draft, keys: dict[str, str]) -> Draft:
    menu, issue, remedy = (str(st.session_state.get(keys[name]) or "") for name in _FIELDS)
    return replace(draft, menu=menu, issue=issue, remedy=remedy)


def _save(desk: LearningDesk, gap: Gap, draft: Draft, keys: dict[str, str]) -> None:
    with errors_kept(_PLACE):
        desk.save_draft(gap.id, _typed(draft, keys), actor=acting_name())
        session.flash(text("learning.done.saved"))


def _publish(desk: LearningDesk, gap: Gap, draft: Draft, keys: dict[str, str]) -> None:
    with errors_kept(_PLACE):
        desk.publish(gap.id, _typed(draft, keys), actor=acting_name())
        session.flash(text("learning.done.published"))
