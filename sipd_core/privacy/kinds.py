"""The words of masking: what kinds of data are hidden, where they stand, and the sheet on which finds are painted."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from sipd_core.texts import text as words


class Kind(StrEnum):
    """What was hidden; the value names its entries in `texts/privacy.toml`."""

    PASSWORD = "password"
    USERNAME = "username"
    CODE = "code"
    ACCESS_KEY = "access_key"
    NIP = "nip"
    NIK = "nik"
    NPWP = "npwp"
    IDENTITY = "identity"
    PHONE = "phone"
    EMAIL = "email"
    BANK_ACCOUNT = "bank_account"
    CARD = "card"
    URL = "url"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without personal data, and how many pieces of each kind (`Kind` value -> number) were taken out."""

    text: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Find:
    """Characters `start` to `end` (exclusive) of a text are data of `kind`."""

    start: int
    end: int
    kind: Kind


# Each kind paints with its own private-use character, so that later rules see what stood there but never its content,
# and a text that is masked again looks the same to them as a text in which the find has just been made.
_PAINT = {kind: chr(0xE000 + index) for index, kind in enumerate(Kind)}
PAINTED = f"{chr(0xE000)}-{chr(0xE000 + len(Kind) - 1)}"
"""Character range of paint, for use inside a regular expression's brackets."""
SECRET_PAINT = frozenset(_PAINT[kind] for kind in (Kind.PASSWORD, Kind.CODE, Kind.ACCESS_KEY))
USER_PAINT = _PAINT[Kind.USERNAME]


def is_paint(character: str) -> bool:
    """Whether a character of a sheet's view hides a find."""
    return PAINTED[0] <= character <= PAINTED[-1]


def token(kind: Kind) -> str:
    """What stands in the text instead of the data, such as `[KATA SANDI]`."""
    return words(f"privacy.token.{kind.value}")


def label(kind: Kind) -> str:
    """What the kind is called on screen, such as `kata sandi`."""
    return words(f"privacy.label.{kind.value}")


@cache
def _tokens() -> tuple[re.Pattern[str], Mapping[str, Kind]]:
    kinds = {token(kind): kind for kind in Kind}
    return re.compile("|".join(re.escape(one) for one in kinds)), kinds


def pieces(text: str) -> list[tuple[str, Kind | None]]:
    """A masked text cut at its tokens, each with the kind it stands for; the rest has none."""
    pattern, kinds = _tokens()
    cut: list[tuple[str, Kind | None]] = []
    done = 0
    for hit in pattern.finditer(text):
        cut += [(text[done : hit.start()], None), (hit[0], kinds[hit[0]])]
        done = hit.end()
    return [piece for piece in [*cut, (text[done:], None)] if piece[0]]


class Sheet:
    """A text on which finds are painted over, length unchanged, until it is printed with tokens in their place."""

    def __init__(self, text: str) -> None:
        pattern, kinds = _tokens()
        self._text = text
        self.finds: list[Find] = []
        self.view = pattern.sub(lambda hit: _PAINT[kinds[hit[0]]] * len(hit[0]), text)

    def paint(self, finds: Iterable[Find]) -> None:
        """Cover the finds; of two that overlap the one that starts first is kept, and of those the longer."""
        fresh: list[Find] = []
        for find in sorted(map(self._grown, finds), key=lambda find: (find.start, -find.end)):
            if find.end > find.start and (not fresh or find.start >= fresh[-1].end):
                fresh.append(find)
        if fresh:
            self.view = self._painted(fresh)
            self._keep(fresh)

    def _grown(self, find: Find) -> Find:
        """A find never cuts an earlier one in two: it takes the whole of what it touches."""
        start, end = find.start, find.end
        while 0 < start < len(self.view) and is_paint(self.view[start]) and is_paint(self.view[start - 1]):
            start -= 1
        while 0 < end < len(self.view) and is_paint(self.view[end - 1]) and is_paint(self.view[end]):
            end += 1
        return Find(start, end, find.kind)

    def _painted(self, fresh: list[Find]) -> str:
        pieces, done = [], 0
        for find in fresh:
            pieces += [self.view[done : find.start], _PAINT[find.kind] * (find.end - find.start)]
            done = find.end
        return "".join([*pieces, self.view[done:]])

    def _keep(self, fresh: list[Find]) -> None:
        covers = iter(fresh)
        cover = next(covers, None)
        kept = []
        for old in self.finds:
            while cover is not None and cover.end <= old.start:
                cover = next(covers, None)
            if cover is None or old.end <= cover.start:
                kept.append(old)
        self.finds = sorted([*kept, *fresh], key=lambda find: find.start)

    def original(self, find: Find) -> str:
        """The characters a find hides."""
        return self._text[find.start : find.end]

    def printed(self) -> Masked:
        """The text with every find replaced by its token."""
        pieces, done = [], 0
        for find in self.finds:
            pieces += [self._text[done : find.start], token(find.kind)]
            done = find.end
        counts = Counter(find.kind.value for find in self.finds)
        return Masked("".join([*pieces, self._text[done:]]), dict(counts))
