"""Every key of the browser session, named once, with typed access."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from pages.shell import asked
from pages.shell.unanswered import Unanswered
from sipd_core.permissions import Person

CONVERSATION_PARAM = "percakapan"
"""Name of the conversation's id in the address, so that a reload or a shared link continues it."""

PERIOD_PARAM = "periode"
"""Name of the period in the address."""

PROMPT = "chat.prompt"
SEARCH = "chat.search"
UPLOAD_ROUND = "imports.upload_round"
HISTORY_PAGE = "imports.history_page"
TABLE_PAGE = "knowledge.table_page"

ANEW, GO_ON = "anew", "go_on"
"""How an answer is to be written: once more, or on from where it was cut."""

_FRESH = "chat.fresh"
_PENDING = "chat.pending"
_UNANSWERED = "chat.unanswered"
_RETURNED = "chat.returned"
_STOP = "chat.stop"
_LAST = "chat.last"
_HANDOVER = "chat.handover_next"
_REWRITE = "chat.rewrite"
_UPLOADS_TAKEN = "imports.uploads_taken"
_DRAFT = "imports.draft"
_UPLOAD_PROBLEMS = "imports.upload_problems"
_SAMPLES_REMOVED = "knowledge.samples_removed"
_CHANGE = "knowledge.last_change"
_TABLE_ROUND = "knowledge.table_round"
_PERIOD = "period"
_PERSON = "person"
_FLASH = "flash"
_PROBLEM = "problem"


def conversation_id(new_id: Callable[[], str]) -> str:
    """The conversation of the address, else the one this browser is about to start."""
    wanted = st.query_params.get(CONVERSATION_PARAM) or st.session_state.get(_LAST)
    if wanted:
        open_conversation(str(wanted))
        return str(wanted)
    if _FRESH not in st.session_state:
        st.session_state[_FRESH] = new_id()
    return str(st.session_state[_FRESH])


def open_conversation(session_id: str) -> None:
    """Continue this conversation, in this run and after a reload."""
    if st.query_params.get(CONVERSATION_PARAM) != session_id:
        st.query_params[CONVERSATION_PARAM] = session_id
    st.session_state[_LAST] = session_id  # the menu leads back to the page without its address
    st.session_state.pop(_FRESH, None)


def start_conversation() -> None:
    """Leave the current conversation for an empty one."""
    st.query_params.pop(CONVERSATION_PARAM, None)
    st.session_state.pop(_LAST, None)
    st.session_state.pop(_FRESH, None)
    forget_unanswered()


def forget_conversation(session_id: str) -> None:
    """Leave a conversation that is gone, if it is the current one."""
    if st.session_state.get(_LAST) == session_id:
        start_conversation()


def send(message: str) -> None:
    """Let the next run send this message, as if it had been typed."""
    st.session_state[_PENDING] = message


def send_typed() -> None:
    """Callback of the chat input: it runs before anything of the page can fail, so what was typed is safe."""
    if (typed := st.session_state[PROMPT]) and typed.strip():
        st.session_state[_PENDING] = typed


def take_pending() -> str | None:
    """The message put by `send`, once."""
    kept: str | None = st.session_state.pop(_PENDING, None)
    return kept


def keep_unanswered(unanswered: Unanswered) -> None:
    """Remember a message until its answer is stored, also when the page is loaded anew meanwhile."""
    st.session_state[_UNANSWERED] = unanswered
    asked.remember(unanswered)


def grow_partial(partial: str) -> None:
    """Remember how much of the answer has arrived; a further version of an answer is kept with its exchange instead."""
    if (kept := st.session_state.get(_UNANSWERED)) is not None:
        st.session_state[_UNANSWERED] = replace(kept, partial=partial)


def fail_unanswered(error: str) -> None:
    """Remember why there is no answer, and give the message back to the input."""
    kept = replace(st.session_state[_UNANSWERED], error=error)
    st.session_state[_UNANSWERED] = kept
    st.session_state[_RETURNED] = kept.message


@dataclass
class StopWatch:
    """How far the drawing of an answer has come. A stopped run cannot touch the session any more, but it can this."""

    asked: bool = False
    """Asked for by the run that draws."""
    closed: bool = False
    """The stream is closed: what it leaves is stored."""


def watch_for_stop() -> StopWatch:
    """An answer begins to be drawn."""
    watch = StopWatch()
    st.session_state[_STOP] = watch
    return watch


def forget_stop() -> None:
    """The answer ended by itself, or the stop was shown."""
    st.session_state.pop(_STOP, None)


def stop_to_show() -> bool:
    """Whether an answer was stopped and the page does not say so yet.

    Asked once by the run that draws the answer, then by a timer: if the watch is still on when its stream is closed, the
    run was stopped. Streamlit runs the timer also beside a run that it has told to stop and that still closes its stream.
    """
    watch: StopWatch | None = st.session_state.get(_STOP)
    if watch is None:
        return False
    asked_before, watch.asked = watch.asked, True
    return asked_before and watch.closed


def take_returned() -> str | None:
    """The message that a failed turn gave back, once."""
    kept: str | None = st.session_state.pop(_RETURNED, None)
    return kept


def forget_unanswered() -> None:
    """The answer is stored, or the person gave the message up."""
    kept: Unanswered | None = st.session_state.pop(_UNANSWERED, None)
    if kept is not None:
        asked.forget(kept.session_id)


def unanswered(session_id: str) -> Unanswered | None:
    """The message of this conversation that still has no answer."""
    kept: Unanswered | None = st.session_state.get(_UNANSWERED)
    if kept is None and (kept := asked.find(session_id)) is not None:
        st.session_state[_UNANSWERED] = kept
    return kept if kept and kept.session_id == session_id else None


def show_handover_next(session_id: str) -> None:
    """Let the next run open the hand-over card of this conversation."""
    st.session_state[_HANDOVER] = session_id


def take_handover(session_id: str) -> bool:
    """Whether the hand-over card of this conversation is to be opened, once."""
    return bool(st.session_state.pop(_HANDOVER, None) == session_id)


def rewrite(how: str, turn_id: str) -> None:
    """Let the next run write this answer `ANEW`, or `GO_ON` with it."""
    st.session_state[_REWRITE] = (how, turn_id)


def take_rewrite() -> tuple[str, str] | None:
    """What `rewrite` put, once."""
    kept: tuple[str, str] | None = st.session_state.pop(_REWRITE, None)
    return kept


def keep_wording(place: str, wording: str) -> None:
    """Remember how far somebody has worded an answer anew, `place` being the answer and its version; empty forgets it."""
    if wording:
        st.session_state[f"chat.draft.{place}"] = wording
    else:
        st.session_state.pop(f"chat.draft.{place}", None)


def kept_wording(place: str) -> str:
    """What `keep_wording` put; empty when there is nothing."""
    return str(st.session_state.get(f"chat.draft.{place}", ""))


def look_at_wording(place: str, look: bool) -> None:
    """Show the words as they would be kept, or let them be changed on."""
    st.session_state[f"chat.look.{place}"] = look


def is_wording_looked_at(place: str) -> bool:
    """Whether they are shown as they would be kept."""
    return bool(st.session_state.get(f"chat.look.{place}"))


def note_worded(place: str) -> None:
    """The words are stored: the dialog that they were written in is to close."""
    st.session_state[f"chat.worded.{place}"] = True


def take_worded(place: str) -> bool:
    """Whether `note_worded` said so, once."""
    return bool(st.session_state.pop(f"chat.worded.{place}", False))


def note_feedback(turn_id: str, message: str) -> None:
    """What to say about the feedback on this answer."""
    st.session_state[f"chat.feedback_note.{turn_id}"] = message


def take_feedback_note(turn_id: str) -> str | None:
    """What `note_feedback` put, once."""
    kept: str | None = st.session_state.pop(f"chat.feedback_note.{turn_id}", None)
    return kept


def save_reason(turn_id: str, reason: str) -> None:
    """Remember the reason given for a thumb down, so that it is not asked again."""
    st.session_state[f"chat.reason_saved.{turn_id}"] = reason


def saved_reason(turn_id: str) -> str:
    """The reason given in this session for a thumb down."""
    return str(st.session_state.get(f"chat.reason_saved.{turn_id}", ""))


def prefill_prompt(message: str) -> None:
    """Put a message back into the chat input; only allowed before the input is drawn."""
    st.session_state[PROMPT] = message


def next_upload_round() -> None:
    """Empty the uploader."""
    st.session_state[UPLOAD_ROUND] = upload_round() + 1


def keep_upload_problems(problems: Sequence[str]) -> None:
    """Remember which files of the last upload were not taken in; an upload without any forgets those before it."""
    st.session_state[_UPLOAD_PROBLEMS] = tuple(dict.fromkeys(problems))


def takes_upload(file_id: str) -> bool:
    """Whether this upload is new: Streamlit repeats the callback of a run that another one overtook."""
    taken: set[str] = st.session_state.setdefault(_UPLOADS_TAKEN, set())
    new = file_id not in taken
    taken.add(file_id)
    return new


def upload_problems() -> tuple[str, ...]:
    """Why files of the last upload were not taken in."""
    kept: tuple[str, ...] = st.session_state.get(_UPLOAD_PROBLEMS, ())
    return kept


def upload_round() -> int:
    """Part of the uploader's key; a new number empties it."""
    return int(st.session_state.get(UPLOAD_ROUND, 0))


def show_draft(draft_id: str) -> None:
    """Let this waiting file be the one that is open."""
    st.session_state[_DRAFT] = draft_id


def open_draft(drafts: Sequence[str]) -> str:
    """Which of these waiting files is open: the chosen one, else the first; empty where there is none."""
    chosen = st.session_state.get(_DRAFT)
    return chosen if chosen in drafts else next(iter(drafts), "")


def note_samples_removed(count: int) -> None:
    """Remember how many sample rows this browser removed, so that the way back stays in sight; 0 forgets it."""
    st.session_state[_SAMPLES_REMOVED] = count


def samples_removed() -> int:
    """How many sample rows this browser removed."""
    return int(st.session_state.get(_SAMPLES_REMOVED, 0))


def note_change(change_id: str, said: str) -> None:
    """Remember the last change of rows for its undo; the table forgets its selection, whose rows may be gone."""
    st.session_state[_CHANGE] = (change_id, said)
    st.session_state[_TABLE_ROUND] = table_round() + 1


def last_change() -> tuple[str, str] | None:
    """Id of the last change this browser made to rows, and what to say of it."""
    kept: tuple[str, str] | None = st.session_state.get(_CHANGE)
    return kept


def forget_change() -> None:
    """The last change was undone, or its notice was closed."""
    st.session_state.pop(_CHANGE, None)
    st.session_state[_TABLE_ROUND] = table_round() + 1


def table_round() -> int:
    """Part of the table's key; a new number clears its selection."""
    return int(st.session_state.get(_TABLE_ROUND, 0))


def kept_period() -> str | None:
    """The period of the address, else the one this browser last looked at, on whatever page."""
    kept = st.query_params.get(PERIOD_PARAM) or st.session_state.get(_PERIOD)
    return str(kept) if kept else None


def keep_period(kept: str) -> None:
    """Look at this period on all pages from now on, and after a reload."""
    st.session_state[_PERIOD] = kept
    if st.query_params.get(PERIOD_PARAM) != kept:
        st.query_params[PERIOD_PARAM] = kept


@dataclass
class _Problem:
    message: str
    place: str
    overdue: bool = False
    """A whole run went by that did not draw its place."""


def keep_problem(message: str, place: str = "") -> None:
    """Show this error on the next run, at the form or button of that name; without one at the top of the page."""
    st.session_state[_PROBLEM] = _Problem(message, place)


def take_problem(place: str = "") -> str | None:
    """The error put by `keep_problem` for this place, once."""
    kept: _Problem | None = st.session_state.get(_PROBLEM)
    if kept is None or kept.place != place:
        return None
    del st.session_state[_PROBLEM]
    return kept.message


def take_stray_problem() -> str | None:
    """The error that belongs to no place, or whose place was not drawn by the run it was kept for; asked once a run."""
    kept: _Problem | None = st.session_state.get(_PROBLEM)
    if kept is None:
        return None
    if not kept.place or kept.overdue:
        return take_problem(kept.place)
    kept.overdue = True
    return None


def flash(message: str) -> None:
    """Say this once, on the next run."""
    st.session_state[_FLASH] = message


def take_flash() -> str | None:
    """The message put by `flash`, once."""
    kept: str | None = st.session_state.pop(_FLASH, None)
    return kept


def remember_person(person: Person) -> None:
    """Who looked last, for the menu while nobody can be asked who it is."""
    st.session_state[_PERSON] = person


def forget_person() -> None:
    """Nobody looks at this page any more who may see anything."""
    st.session_state.pop(_PERSON, None)


def last_person() -> Person | None:
    """Whoever that was; opens nothing, for each call asks anew."""
    found = st.session_state.get(_PERSON)
    return found if isinstance(found, Person) else None
