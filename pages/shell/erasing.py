"""Deleting a conversation that is looked at: for those who may, behind a question that names what goes and what stays."""

import streamlit as st

from pages.shell import session
from pages.shell.frame import errors_kept, show_error
from pages.shell.plain import plain_line
from pages.shell.resources import acting_name, may
from sipd_core.blocking import BlockingEngine
from sipd_core.errors import NotFoundError
from sipd_core.locale_id import day, moment, number
from sipd_core.permissions import Permission
from sipd_core.retention import Archived
from sipd_core.store.erasing import Erasure
from sipd_core.texts import text


def draw_erasing(engine: BlockingEngine, conversation_id: str, page: str) -> None:
    """A quiet button, for whoever may; `page` begins its keys."""
    if not may(Permission.ERASE):
        return
    if st.button(text("retention.button"), key=f"{page}.erase", icon=":material/delete_forever:", type="tertiary"):
        try:
            effect = engine.retention.effect(conversation_id)
        except NotFoundError as error:
            show_error(error)
        else:
            _confirm(engine, conversation_id, effect, page)


@st.dialog(text("retention.title"), icon=":material/delete_forever:")
def _confirm(engine: BlockingEngine, conversation_id: str, effect: Erasure, page: str) -> None:
    st.markdown(f"**{plain_line(effect.title)}**")
    st.markdown("\n".join([text("retention.heading", at=moment(effect.began)), "", *_goes(effect)]))
    st.caption(text("retention.stays"))
    st.caption(" ".join(_archives(engine.retention.archived(effect.began))))
    st.warning(text("retention.irreversible"), icon=":material/warning:")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(text("retention.cancel"), key=f"{page}.erase.cancel"):
            st.rerun()
        label, icon = text("retention.confirm"), ":material/delete_forever:"
        args = (engine, conversation_id)
        if st.button(label, key=f"{page}.erase.yes", type="primary", icon=icon, on_click=_erase, args=args):
            st.rerun()


def _erase(engine: BlockingEngine, conversation_id: str) -> None:
    with errors_kept():
        erased = engine.retention.erase(conversation_id, acting_name())
        session.forget_conversation(conversation_id)
        session.flash(text("retention.done", n=number(erased.exchanges)))


def _goes(effect: Erasure) -> list[str]:
    lines = [text("retention.messages", n=number(effect.exchanges))]
    if effect.tickets:
        lines.append(text("retention.tickets", n=number(effect.tickets), open=number(effect.open_tickets)))
    counts = {"gold": effect.gold_questions, "approved": effect.approved, "gaps": effect.gap_questions}
    lines += [text(f"retention.{what}", n=number(count)) for what, count in counts.items() if count]
    return [f"- {line}" for line in lines]


def _archives(held: Archived) -> list[str]:
    said = []
    if held.scheduled_until is not None:
        said.append(text("retention.archive_scheduled", day=day(held.scheduled_until)))
    if held.kept:
        said.append(text("retention.archive_kept", n=number(held.kept)))
    return said or [text("retention.archive_none")]
