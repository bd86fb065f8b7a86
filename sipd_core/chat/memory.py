"""What a conversation remembers between turns, and whether a message goes on about the problem at hand."""

import json
from dataclasses import dataclass, replace

from sipd_core.chat.escalation import ConversationState
from sipd_core.chat.signals import Signals
from sipd_core.chat.turn import Exchange, Turn
from sipd_core.knowledge.base import SearchResult

STANDS_ALONE = 4
"""Words from which a message can name a problem of its own."""
SETTLED_WORDS = 10
"""A message of more words that mentions a success tells a story, and more is to come."""
FOLLOW_UP_WORDS = 12
"""A message of at most this many words that names no problem of its own is read together with the current one."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a conversation remembers between turns: the policy's state, the problem at hand, the remedies already given."""

    policy: ConversationState = ConversationState()
    problem: str = ""
    tried: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(
            {"policy": self.policy.as_json(), "problem": self.problem, "tried": self.tried}, ensure_ascii=False
        )

    @classmethod
    def from_json(cls, stored: str | None) -> "Memory":
        """The memory `to_json` wrote; a fresh one when there is none."""
        if not stored:
            return cls()
        raw = json.loads(stored)
        return cls(ConversationState.from_json(raw["policy"]), raw["problem"], tuple(raw["tried"]))


def only_settles(now: Signals, memory: Memory) -> bool:
    """Says that the problem at hand is gone and asks for nothing; a step that was done ("LPJ sudah sah") is no such news."""
    if not now.solved or now.question or now.still_unsolved or now.failure:
        return False
    about_it = now.topics <= memory.policy.topics
    return now.thanks or now.vague or (bool(memory.problem) and about_it and now.words <= SETTLED_WORDS)


def may_follow_up(now: Signals, memory: Memory) -> bool:
    """Names no problem of its own: too short for one, or only says that the one at hand lasts."""
    if now.new_topic or now.how_to:
        return False
    return now.still_unsolved or now.vague or now.continues or (now.words <= FOLLOW_UP_WORDS and not now.topics - memory.policy.topics)


def must_follow_up(now: Signals) -> bool:
    """Makes no sense alone: what became of a step, what the screen says, a word or two."""
    return now.still_unsolved or now.vague or now.tried or now.told_message or now.words < STANDS_ALONE


def same_problem(found: SearchResult, history: tuple[Exchange, ...]) -> bool | None:
    """The best case now was among the cases of the turn before; None when there is nothing to compare."""
    before = next((exchange.turn.sources for exchange in reversed(history) if exchange.turn.sources), ())
    if not before or not found.hits:
        return None
    return found.hits[0].case.id in {hit.case.id for hit in before[:3]}


def looked_up(memory: Memory, message: str, now: Signals) -> str:
    """What is searched for a message that goes on: the problem at hand, with what the message adds to it."""
    return memory.problem if now.vague else f"{memory.problem}\n{message}"


def remembered(
    memory: Memory, policy: ConversationState, text: str, turn: Turn, *, follow_up: bool, vague: bool = False
) -> Memory:
    """What to keep after a turn; a `vague` message names no problem that a later one could go on about."""
    if vague and not follow_up:
        return replace(memory, policy=policy)
    offered = tuple(hit.case.id for hit in turn.sources[:1]) if turn.context_used else ()
    if follow_up:
        return Memory(policy, memory.problem, tuple(dict.fromkeys(memory.tried + offered)))
    return Memory(policy, text, offered)
