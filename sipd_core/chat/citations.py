"""What a hosted answer refers to, checked against what it was given. One reason to change: when an answer may be trusted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sipd_core.documents import Hit
from sipd_core.texts import text

_GROUP = re.compile(r"\[\s*(?:kasus\s+)?K\s*\d+(?:\s*(?:[,;&/]|dan|-)\s*K?\s*\d+)*\s*\]", re.IGNORECASE)
"""`[K1]`, `[K1, K3]`, `[kasus K2 dan K4]`."""
_NUMBER = re.compile(r"\d+")
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)
_MARKED_LINK = re.compile(r"(!?)\[(?!K\d+\])([^\[\]\n]*)\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)[^()\n]*\)")
"""`[words](address)`, `![words](address)`: the second would be fetched by whatever shows it as Markdown."""
_ELEMENT = re.compile(
    r"<(script|style)\b.*?(?:</\1>|\Z)|</?(?:a|audio|base|body|button|embed|form|iframe|img|input|link|math|meta|object"
    r"|script|style|svg|video)\b[^<>]*>?",
    re.IGNORECASE | re.DOTALL,
)
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


def check(answer: str, hits: Sequence[Hit]) -> Checked:
    """`answer` held against the cases it was written from."""
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
    linked = _without_foreign(checked, hits)
    problem = "" if cited and not unknown else text("answer.caution.unknown" if unknown else "answer.caution.none")
    if linked != checked:
        problem = text("answer.caution.link")
    return Checked(_BEFORE_STOP.sub("", linked).strip(), tuple(sorted(cited)), problem)


def _without_foreign(answer: str, hits: Sequence[Hit]) -> str:
    """The answer without elements, images, and links but those that stand in a remedy or a note of the desk.

    What a complaint or a message holds comes from outside: a link in there is never passed on as ours.
    """
    given = "\n".join(part for hit in hits for part in (hit.case.remedy, hit.case.note_dev, hit.case.note_qa))

    def known(address: str) -> str:
        return address if _LINK.fullmatch(address) and address.rstrip(".,;:") in given else text("answer.link_removed")

    def unmarked(found: re.Match[str]) -> str:
        image, words, address = found.groups()
        return text("answer.link_removed") if image else f"{words} {known(address)}".strip()

    bare = _MARKED_LINK.sub(unmarked, _ELEMENT.sub(text("answer.link_removed"), answer))
    return _LINK.sub(lambda link: known(link.group()), bare)


def without_marks(answer: str) -> str:
    """The answer as a caller should read it."""
    return _BEFORE_STOP.sub("", _GROUP.sub("", answer)).strip()
