"""Reading on from a label: marks, words, quotations, and how much the words read so far promise.

Everything is bounded by a few hundred characters per step, so a hostile message costs no more than a long one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sipd_core.privacy.kinds import PAINTED, SECRET_PAINT, is_paint
from sipd_core.privacy.labels import NEXT_KEY
from sipd_core.privacy.words import (
    LINKS,
    POSSESSIVE,
    REARM,
    TALK,
    THINGS,
    is_known,
    is_talk,
    is_verb,
)

_SPACE = re.compile(r"[ \t\u00a0*_`~]{0,200}")
_MARK = re.compile(r"[\"'*_`)\]}>]{0,3}[ \t]{0,20}(?::=|::|[:=]|->|=>|→|»|>(?=\S)|-(?=\s)|–|—)[>: \t]{0,20}")
_NEWLINE = re.compile(r"[ \t\r*_`]{0,20}\n{1,2}[ \t\r>*_`-]{0,20}")
_QUOTED = re.compile(
    r"\"([^\"\n]{1,80})\"|'([^'\n]{1,80})'(?!\w)|“([^”\n]{1,80})”|‘([^’\n]{1,80})’|«([^»\n]{1,80})»|`([^`\n]{1,80})`"
)
_CHUNK = re.compile(rf"[^\s{PAINTED}]{{1,256}}")
_CHUNK_REST = re.compile(rf"[^\s{PAINTED}]*")
_PAINT_RUN = re.compile(rf"[{PAINTED}]+")
_JOINED = re.compile(r"([^\W\d_]{2,24})([.,;|!?)]+)(?=[^\s.,;|!?)])")
_OPENING = "\"'([{<*“‘«`_"
_SETS_APART = "\"'([{<“‘«"
_CLOSING = "\"')]}>*,.;:”’»`"
_FRONT_LINKS = {
    "itu", "ini", "adalah", "yaitu", "is", "was", "as", "sebagai", "sbg", "jadi", "untuk", "utk", "buat", "di", "ke",
    "pada", "kolom", "field", "user", "username", "dan", "and", "sama", "&", "the", "my", "tadi",
}  # fmt: skip
"""Words that may stand between a value and the label behind it."""
_IS_WORDS = {"adalah", "is", "was", "yaitu", "yakni", "ialah", "berupa"}


@dataclass(frozen=True, slots=True)
class Word:
    """A token in the view without the punctuation around it."""

    start: int
    end: int
    text: str
    at: int
    """Where its characters begin, punctuation included."""
    after: int
    """Where reading goes on."""

    @property
    def low(self) -> str:
        """The token in lower case."""
        return self.text.lower()


@dataclass(slots=True)
class Promise:
    """What the words between a label and the next token promise about it."""

    explicit: bool = False
    """A sign such as a colon or `adalah` says that the value comes now."""
    owned: bool = False
    """A possessive or a word such as `baru` makes the value likely to come now."""
    near: bool = True
    """Nothing but link words and names of things so far."""
    talked: bool = False
    """The sentence has turned to talk about the label ("salah", "ditolak")."""

    def learn(self, word: Word) -> None:
        """Take in one more word that was not the value."""
        low = word.low
        if low in REARM:
            self.near, self.owned, self.talked = True, True, False
            self.explicit = self.explicit or low in _IS_WORDS
        elif low in POSSESSIVE or low.removesuffix("nya") in POSSESSIVE:
            self.owned = self.owned or self.near
        elif low in ("ke", "to"):
            self.near = True
        elif low not in LINKS and not low.isdigit():
            self._doubt(low)

    def _doubt(self, low: str) -> None:
        self.explicit = self.owned = False
        if low not in THINGS and (any(part in TALK for part in low.split("-")) or is_verb(low)):
            self.near, self.talked = False, True


def words_behind(
    view: str, label: re.Match[str], promise: Promise, *, reach: int, lines: bool = False, through_paint: bool = False
) -> Iterator[Word]:
    """The tokens behind a label, at most `reach` of them; the caller lets `promise` learn each one it rejects.

    `lines` crosses line ends without a sign; `through_paint` passes what is hidden already, unless it is a secret.
    """
    position = label.end()
    for step in range(reach):
        alone = lines or (step == 0 and _fills_line(view, label))
        position = _past_marks(view, position, promise, alone=alone)
        if through_paint and position < len(view) and is_paint(view[position]):
            if view[position] in SECRET_PAINT:
                return
            position = _end(_PAINT_RUN.match(view, position), position)
            continue
        word = read_word(view, position)
        if word is None or not (position > label.end() or view[position] in _SETS_APART):
            return
        yield word
        position = word.after


def _past_marks(view: str, position: int, promise: Promise, *, alone: bool) -> int:
    """Where the next token begins; signs on the way are noted, and a line is crossed behind a sign or a lone label."""
    for _ in range(4):
        position = _end(_SPACE.match(view, position), position)
        mark = _MARK.match(view, position)
        line = _NEWLINE.match(view, position)
        if mark:
            promise.explicit = promise.explicit or not promise.talked
            position = mark.end()
        elif line and (promise.explicit or alone):
            position = line.end()
        else:
            break
    return position


def _fills_line(view: str, label: re.Match[str]) -> bool:
    """Whether the label is all that stands on its line."""
    before = view[max(0, label.start() - 1) : label.start()]
    return before in ("", "\n") and view[label.end() : label.end() + 1] == "\n"


def read_word(view: str, position: int) -> Word | None:
    """The token that begins at `position`, or None where there is a space, a line end or paint."""
    chunk = _CHUNK.match(view, position)
    if chunk is None:
        return None
    raw = chunk[0]
    cut = NEXT_KEY.search(raw, 1)
    if cut:
        raw = raw[: cut.start()]
    raw = _without_neighbour(raw)
    after = position + len(raw)
    body = raw.lstrip(_OPENING)
    start = after - len(body)
    end = start + len(body.rstrip(_CLOSING))
    sign = re.search(r"[:=]", view[end:after])
    return Word(start, end, view[start:end], position, end + sign.start() if sign else after)


def _without_neighbour(raw: str) -> str:
    """A run of characters up to where a missing space joins ordinary words: `salah,mohon`, `dulu.Terima`."""
    join = _JOINED.match(raw)
    if join and (join[1].lower() in TALK or (join[2][0] in ",;|" and is_known(join[1]))):
        return join[1] + join[2]
    return raw


def read_quoted(view: str, position: int, promise: Promise) -> Word | None:
    """A quotation that is the value: a phrase such as "Ubah Kata Sandi" or "salah" is not."""
    quote = _QUOTED.match(view, position)
    if quote is None or any(map(is_paint, quote[0])):
        return None
    body = next(group for group in quote.groups() if group)
    words = re.findall(r"[^\s,.!?]+", body)
    known = all(map(is_known, words))
    sure = promise.explicit or (promise.owned and promise.near)
    if (sure and not (known and any(map(is_talk, words)))) or (promise.near and not known):
        return Word(quote.start() + 1, quote.end() - 1, body, position, quote.end())
    return None


def word_in_front(view: str, position: int) -> Word | None:
    """The last token before `position` that is no link word, if it stands in the same sentence."""
    while position > 0 and view[position - 1] in _OPENING:
        position -= 1
    if position == 0 or not view[position - 1].isspace():
        return None
    offset = max(0, position - 120)
    tokens = list(re.finditer(rf"[^\s{PAINTED}]+", view[offset:position]))
    for token in reversed(tokens[-6:]):
        word = read_word(view, offset + token.start())
        if word is None or not word.text or "\n" in view[word.end : position]:
            return None
        if word.low not in _FRONT_LINKS:
            return word
        if ends_sentence(view, word) or view[word.end : word.end + 1] == ",":
            return None
    return None


def ends_sentence(view: str, word: Word) -> bool:
    """Whether a sentence ends with the token."""
    tail = view[word.end : word.after].lstrip("\"')]}>*”’»`")
    return tail.startswith((".", "?", "!", ";")) or word.text.endswith(("?", "!"))


def whole_end(view: str, word: Word) -> int:
    """The end of the token, also of one that is longer than what is read at a time."""
    return word.end if word.end - word.start < 250 else _end(_CHUNK_REST.match(view, word.end), word.end)


def _end(match: re.Match[str] | None, otherwise: int) -> int:
    return match.end() if match else otherwise
