"""Obrolan: an aduan goes in, an answer with its grounds comes out, and the conversation can be continued any time."""

import streamlit as st

from pages.shell import desk_state, session, shortcuts, turns
from pages.shell.conversations import draw_conversations
from pages.shell.frame import errors_shown, page_frame
from pages.shell.plain import plain_line
from pages.shell.unanswered import Unanswered
from sipd_core.blocking import BlockingEngine
from sipd_core.chat.caller import for_sending
from sipd_core.chat.turn import Conversation, Exchange, Turn
from sipd_core.errors import NotFoundError, SipdError
from sipd_core.permissions import Permission
from sipd_core.texts import text
from sipd_core.tickets import Status, Ticket

EXAMPLES = ("one", "two", "three", "four", "five", "six")


def main() -> None:
    engine = page_frame(text("chat.title"), needs=Permission.ASK)
    with errors_shown():
        session_id, conversation = _current(engine)
        kept = _still_unanswered(conversation)
        rewrite = session.take_rewrite()
        if message := _input():
            session.keep_unanswered(Unanswered(session_id, message, after=_last_turn(conversation)))
            session.open_conversation(session_id)
        with st.sidebar:
            draw_conversations(engine, session_id)
            shortcuts.draw_help()
        ticket = engine.desk.of_conversation(session_id) if conversation.escalated else None
        shortcuts.listen(conversation, ticket)
        _history(engine, conversation, ticket)
        if session.take_handover(session_id):
            turns.show_handover(engine, session_id)
        if message:
            _answer(engine, session_id, message)
        elif rewrite:
            _rewrite(engine, conversation, *rewrite)
        elif kept:
            turns.draw_unanswered(kept)
        elif not conversation.exchanges:
            _empty(engine)


def _current(engine: BlockingEngine) -> tuple[str, Conversation]:
    """The conversation of the address, else an empty one that is stored with its first message."""
    session_id = session.conversation_id(engine.new_session_id)
    kept = session.unanswered(session_id)
    if session.CONVERSATION_PARAM not in st.query_params and kept is None:
        return session_id, Conversation(session_id, "")
    try:
        conversation = engine.conversation(session_id)
        session.open_conversation(session_id)
        return session_id, conversation
    except NotFoundError as error:
        if kept is not None:  # its first message has no stored answer
            return session_id, Conversation(session_id, "")
        session.start_conversation()
        st.warning(plain_line(error.user_text), icon=":material/link_off:")
        fresh = session.conversation_id(engine.new_session_id)
        return fresh, Conversation(fresh, "")


def _still_unanswered(conversation: Conversation) -> Unanswered | None:
    """The message kept for this conversation, unless its answer, be it a stopped one, is stored by now."""
    kept = session.unanswered(conversation.id)
    if kept and kept.after != _last_turn(conversation):
        session.forget_unanswered()
        return None
    return kept


def _last_turn(conversation: Conversation) -> str:
    return conversation.exchanges[-1].turn.turn_id if conversation.exchanges else ""


def _input() -> str | None:
    if returned := session.take_returned():
        session.prefill_prompt(returned)
    typed = st.chat_input(
        text("chat.placeholder"), key=session.PROMPT, submit_mode="stop", on_submit=session.send_typed
    )
    # After a restart of the server the browser sends into a session that knows no callback yet.
    return session.take_pending() or (typed if typed and typed.strip() else None)


def _history(engine: BlockingEngine, conversation: Conversation, ticket: Ticket | None) -> None:
    last = len(conversation.exchanges) - 1
    for place, exchange in enumerate(conversation.exchanges):
        latest = place == last
        message = for_sending(exchange, ticket if latest else None)
        turns.draw_exchange(engine, exchange, message, latest=latest)
    if conversation.escalated:
        _escalated(engine, conversation.id)


@st.fragment
def _escalated(engine: BlockingEngine, session_id: str) -> None:
    ticket = engine.desk.of_conversation(session_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        done = ticket is not None and ticket.status is Status.DONE
        st.info(text("chat.settled_banner" if done else "chat.escalated_banner"), icon=":material/forward_to_inbox:")
        if ticket is not None:
            label = text("desk.link", id=ticket.id, status=text(f"desk.status.{ticket.status}"))
            wanted = {desk_state.TICKET_PARAM: str(ticket.id)}
            st.page_link(desk_state.DESK_PAGE, label=label, icon=":material/confirmation_number:", query_params=wanted)
        if st.button(text("chat.handover"), icon=":material/assignment_ind:", key="chat.handover"):
            turns.show_handover(engine, session_id)


def _answer(engine: BlockingEngine, session_id: str, message: str) -> None:
    turns.draw_question(message)
    try:
        turns.draw_stream(engine.answer(message, session_id))
    except SipdError as error:
        session.fail_unanswered(error.user_text)
    else:
        session.forget_unanswered()
    st.rerun()


def _rewrite(engine: BlockingEngine, conversation: Conversation, how: str, turn_id: str) -> None:
    """A further version of an answer, which stands in the place of the first one from the next run on."""
    exchange = next((one for one in conversation.exchanges if one.turn.turn_id == turn_id), None)
    if exchange is None:
        return
    try:
        turn = turns.draw_stream(engine.answer_anew(turn_id) if how == session.ANEW else engine.go_on(turn_id))
    except SipdError as error:
        session.keep_problem(error.user_text)
    else:
        session.flash(_rewritten(exchange, turn, how))
    st.rerun()


def _rewritten(before: Exchange, turn: Turn | None, how: str) -> str:
    """What came of it; a new answer may say the very same."""
    known = {before.turn.response, *(version.turn.response for version in before.versions)}
    if how == session.GO_ON:
        return text("approved.gone_on")
    if turn is not None and turn.response in known:
        return text("approved.anew_same_model" if turn.model else "approved.anew_same")
    return text("approved.anew_done")


def _empty(engine: BlockingEngine) -> None:
    st.subheader(text("chat.empty_title"), anchor=False)
    st.write(text("chat.empty_body"))
    if not engine.status().cases and not engine.status().preparing:
        st.info(text("chat.empty_no_cases"), icon=":material/menu_book:")
    st.caption(text("chat.empty_examples"))
    with st.container(key="examples"), st.grid(columns=2, min_column_width=300, gap="xsmall"):
        for name in EXAMPLES:
            example = text(f"chat.examples.{name}")
            st.button(
                example,
                key=f"chat.example.{name}",
                icon=":material/north_east:",
                on_click=session.send,
                args=(example,),
                width="stretch",
                wrap=True,
            )


main()
