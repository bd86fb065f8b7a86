"""Several complaints in one message, told apart where that is plain: a numbered list, lines, "+", "dan juga".

One reason to change: by what people join complaints. Each part must say that something fails and name another thing of
SIPD than the others: the steps somebody tried are a list too, and one complaint names several documents.
"""

import re
from typing import Final

from sipd_core.chat.signals import read_signals
from sipd_core.language import names_nothing

_MOST: Final = 6
_NUMBER: Final = re.compile(r"(?:^|(?<=\s))(\d)[.)]\s+")
_JOINTS: Final = (
    re.compile(r"\n+"),
    re.compile(r"\s*(?:\+|;)\s+|,?\s+(?:dan juga|trus juga|terus juga|sama juga|selain itu)\s+", re.IGNORECASE),
)

_GOES_ON: Final = re.compile(r"(?:padahal|karena|krn|tapi|tp|sehingga|akibatnya|jadi|lalu|sudah|sdh|udah)\b", re.IGNORECASE)
_FAULT: Final = re.compile(
    r"\b(?:lupa|salah|error|eror|gagal|belum|blm|tidak|tdk|gak?|ngga?k?|hilang|kosong|dobel|ganda|selisih|beda|minus|ditolak"
    r"|terkunci|lemot|lambat|macet|rusak)\b",
    re.IGNORECASE,
)


def complaints_in(message: str) -> tuple[str, ...]:
    """The complaints of a masked message in their order; the message itself where it is not plainly several."""
    for parts in (_numbered(message), *(joint.split(message) for joint in _JOINTS)):
        told = tuple(part.strip(" ,.;-\n") for part in parts if not names_nothing(part))
        if _are_several(told):
            return told
    return (message,)


def _numbered(message: str) -> list[str]:
    """The items of a list that counts 1, 2, …; what stands before it goes with none."""
    found = list(_NUMBER.finditer(message))
    if not found or [int(hit[1]) for hit in found] != list(range(1, len(found) + 1)):
        return []
    ends = [hit.start() for hit in found[1:]] + [len(message)]
    return [message[hit.end() : end] for hit, end in zip(found, ends, strict=True)]


def _are_several(parts: tuple[str, ...]) -> bool:
    if not 2 <= len(parts) <= _MOST:
        return False
    read = [read_signals(part) for part in parts]
    topics = [one.topics for one in read]
    apart = len(set(topics)) == len(topics) and all(topics) and not frozenset.intersection(*topics)
    return apart and all(_names_a_fault(part) for part in parts)


def _names_a_fault(part: str) -> bool:
    read = read_signals(part)
    return (read.failure or bool(_FAULT.search(part))) and not (read.how_to or _GOES_ON.match(part))
