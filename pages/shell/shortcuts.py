"""Keys of the chat page, and the help that names them.

What only a browser can do (focus, the clipboard, what was typed and not sent, the start of an answer) is done by a frame of our own origin without any look (`keys/`): the
Content-Security-Policy lets no inline script run, and a button of Streamlit can neither focus nor copy.
"""

from pathlib import Path

import streamlit as st
from streamlit.components.v1 import declare_component

from sipd_core.chat.caller import for_sending
from sipd_core.chat.turn import Conversation
from sipd_core.texts import text
from sipd_core.tickets import Ticket

_KEYS = ("focus", "send", "line", "leave", "copy", "edit", "escalate", "new", "help")
_frame = declare_component("sipd_keys", path=str(Path(__file__).resolve().parent / "keys"))


def draw_help() -> None:
    """Which keys there are; `?` opens it."""
    with st.popover(text("keys.title"), icon=":material/keyboard:", type="tertiary", key="chat.shortcuts"):
        st.markdown("\n".join(f"- `{text(f'keys.key.{name}')}` {text(f'keys.does.{name}')}" for name in _KEYS))
        st.caption(text("keys.not_while_typing"))


def listen(conversation: Conversation, ticket: Ticket | None) -> None:
    """Let the keys work, with the message of the last whole answer at hand for the clipboard."""
    last = conversation.exchanges[-1] if conversation.exchanges else None
    whole = "" if last is None or last.answer.stopped else for_sending(last, ticket)
    said = {"copied": text("keys.copied"), "not_copied": text("keys.not_copied")}
    with st.container(key="keys"):
        _frame(answer=whole, turn=last.turn.turn_id if last else "", said=said, key="chat.keys", default=None)
