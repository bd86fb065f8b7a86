"""What a hosted answer refers to, checked against what it was given. One reason to change: when an answer may be trusted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sipd_core.documents import Hit
from sipd_core.texts import text

_GROUP = re.compile(r"\[\s*(?:kasus\s+)?K\s*\d+(?:\s*(?:[,;&/]|dan|-)\s*K?\s*\d+)*\s*\]", re.IGNORECASE)
"""`[K1]`, `[K1, K3]`, `[kasus K2 dan K4]`."""
_NUMBER = re.compile(r"\d+")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_BEFORE_STOP = re.compile(r"[ \t]+(?=[.,;:!?\n]|$)")


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer with nothing in it that its cases do not hold."""

    text: str
    """Marks as `[K1][K3]`; marks of unknown cases and unknown links taken out."""
    cited: tuple[int, ...]
    """Case numbers referred to, 1-based, ascending."""
    caution: str
    """What to check before passing it on, in Indonesian; empty when all is in order."""


def check(answer: str, hits: Sequence[Hit], message: str) -> Checked:
    """`answer` held against the cases it was written from and the message it answers."""
    cited: set[int] = set()
    unknown = False

    def kept(group: re.Match[str]) -> str:
        nonlocal unknown
        numbers = [int(number) for number in _NUMBER.findall(group.group())]
        known = [number for number in dict.fromkeys(numbers) if 1 <= number <= len(hits)]
        unknown |= len(known) < len(set(numbers))
        cited.update(known)
        return "".join(f"[K{number}]" for number in known)

    checked = _GROUP.sub(kept, answer)
    given = message + "".join(f"{hit.case.issue}{hit.case.remedy}{hit.case.note_dev}{hit.case.note_qa}" for hit in hits)
    linked = _LINK.sub(lambda link: link.group() if link.group() in given else text("answer.link_removed"), checked)
    problem = "" if cited and not unknown else text("answer.caution.unknown" if unknown else "answer.caution.none")
    if linked != checked:
        problem = text("answer.caution.link")
    return Checked(_BEFORE_STOP.sub("", linked).strip(), tuple(sorted(cited)), problem)


def without_marks(answer: str) -> str:
    """The answer as a caller should read it."""
    return _BEFORE_STOP.sub("", _GROUP.sub("", answer)).strip()
