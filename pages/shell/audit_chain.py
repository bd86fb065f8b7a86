"""Whether the audit's chain is whole, the button to look, and the head that people note down elsewhere."""

from dataclasses import dataclass
from datetime import UTC, datetime

import streamlit as st

from pages.shell.audit_entries import draw_entry
from pages.shell.frame import errors_shown
from sipd_core.audit_words import protection, verdict
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import ago, number
from sipd_core.store.audit import Verification, noted_head
from sipd_core.texts import text

_SEEN = "audit.seen"
_KNOWN = "audit.known"
LOOKED_AT_ONCE = 20_000
"""Entries that are verified as soon as the page is opened: that takes less than a second."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What this session saw last of the chain."""

    found: Verification
    at: datetime
    fits: bool
    """A head that was noted down was looked for too, and found."""


def draw_chain(engine: BlockingEngine) -> None:
    """The state in words, the button, and heads."""
    head = engine.audit.head()
    if _SEEN not in st.session_state and head.count <= LOOKED_AT_ONCE:
        _look(engine)
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{text('audit.chain.heading')}** {_badge(_seen())}", width="content")
            wanted = st.button(text("audit.chain.verify"), icon=":material/fact_check:", key="audit.verify")
        if wanted:
            with errors_shown(), st.spinner(text("audit.chain.working")):
                _look(engine)
                st.rerun()
        _draw_state(engine, _seen(), head.count)
        with st.expander(text("audit.chain.noted"), type="compact"):
            st.caption(text("audit.chain.noted_help"))
            st.caption(text("audit.chain.now"))
            st.code(str(head), language=None, wrap_lines=True)
            st.text_input(text("audit.chain.known"), key=_KNOWN, placeholder="1234:0a1b…")


def broken_at() -> int | None:
    """Number of the first broken entry, as this session saw it last; None: none is known."""
    seen = _seen()
    return seen.found.broken_at if seen else None


def _draw_broken(engine: BlockingEngine, seq: int) -> None:
    """The entry as it stands now, wherever in the table it is."""
    if (entry := engine.audit.entry(seq)) is not None:
        with st.expander(text("audit.chain.broken_entry", n=number(seq)), icon=":material/link_off:"):
            draw_entry(entry)


def _look(engine: BlockingEngine) -> None:
    said = str(st.session_state.get(_KNOWN) or "").strip()
    known = noted_head(said) if said else None
    found = engine.audit.verify(known)
    if known is None:
        engine.alerts.chain_seen(found)
    st.session_state[_SEEN] = _Seen(found, datetime.now(UTC), fits=found.is_whole and known is not None)


def _seen() -> _Seen | None:
    seen: _Seen | None = st.session_state.get(_SEEN)
    return seen


def _badge(seen: _Seen | None) -> str:
    if seen is None:
        return f":gray-badge[{text('audit.chain.unread_badge')}]"
    if seen.found.is_whole:
        return f":green-badge[:material/verified: {text('audit.chain.whole_badge')}]"
    return f":red-badge[:material/link_off: {text('audit.chain.broken_badge')}]"


def _draw_state(engine: BlockingEngine, seen: _Seen | None, count: int) -> None:
    if seen is None:
        st.markdown(text("audit.chain.unread", n=number(count)))
        return
    if seen.found.is_whole:
        fits = [text("audit.chain.known_fits")] if seen.fits else []
        st.markdown(" ".join([verdict(seen.found), *fits]))
    else:
        st.error(verdict(seen.found), icon=":material/link_off:")
        _draw_broken(engine, seen.found.broken_at or 0)
    weak = protection(seen.found, keyed=engine.audit.is_keyed)
    at = text("audit.chain.at", at=ago(seen.at, datetime.now(UTC)))
    st.caption(f"{at} {weak}".strip())
