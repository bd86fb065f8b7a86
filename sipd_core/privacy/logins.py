"""User names behind their labels, and user name and password behind one label ("U/P x / y", "kredensial x dan y")."""

import re
from collections.abc import Iterator

from sipd_core.privacy import labels
from sipd_core.privacy.kinds import PAINTED, SECRET_PAINT, Find, Kind
from sipd_core.privacy.reading import (
    Promise,
    Word,
    read_word,
    word_in_front,
    words_behind,
)
from sipd_core.privacy.words import (
    LINKS,
    THINGS,
    is_known,
    is_reference,
    is_talk,
    is_verb,
    looks_secret,
    looks_user,
)

_REACH = 5
_INITIALS = re.compile(
    rf"(?<![\w-])un?\s?[:=]\s?(?P<user>[^\s,;|&{PAINTED}]{{3,80}})[\s,;|/&]{{1,4}}"
    rf"(?:p|pw|pass)\s?[:=]\s?(?P<secret>[^\s,;|{PAINTED}]{{3,80}})",
    re.IGNORECASE,
)
_BARE_PAIR = re.compile(
    rf"(?<!\S)(?P<user>[A-Za-z][A-Za-z0-9]{{0,30}}(?:[._][A-Za-z0-9]{{1,30}}){{1,4}})\s?[/|]\s?(?P<secret>[^\s/|{PAINTED}]{{5,40}})(?!\S)"
)
_BETWEEN = re.compile(
    r"[\"'*)]{0,2}[ \t]{0,20}"
    r"(?P<sign>::?|/|\||;|&|\+|->|=>|→|[-–—](?=\s)|,|(?:dan|and|serta|dgn|dengan|with)\s|\n{1,2})?[ \t]{0,20}"
)
_SECRET_NEXT = re.compile(
    r"[\s,;/|&\"')(.-]{0,4}(?:dan|and|with|dengan|dgn|serta|sama)?\s?[\"'(*]{0,3}"
    rf"(?:{labels.PASSWORD_OR_CODE}(?:\s(?:nya|saya|sipd))?[\s\"'*:=>-]{{1,6}}(?:is |adalah )?[\"'“]?)?"
    rf"[{''.join(sorted(SECRET_PAINT))}]",
    re.IGNORECASE,
)


def find_pairs(view: str) -> Iterator[Find]:
    """User name and password that one label announces; run before the single labels."""
    for hit in _INITIALS.finditer(view):
        if not is_talk(hit["user"]) and not is_talk(hit["secret"]):
            yield Find(*hit.span("user"), Kind.USERNAME)
            yield Find(*hit.span("secret"), Kind.PASSWORD)
    for label in labels.PAIR.finditer(view):
        yield from _pair(view, label)
    if labels.ANY.search(view):
        yield from _bare_pairs(view)


def _bare_pairs(view: str) -> Iterator[Find]:
    """ "bend_uji / Koper4si" in a text that speaks of a login at all."""
    for hit in _BARE_PAIR.finditer(view):
        if looks_user(hit["user"]) and looks_secret(hit["secret"]) and not is_reference(hit[0]):
            yield Find(*hit.span("user"), Kind.USERNAME)
            yield Find(*hit.span("secret"), Kind.PASSWORD)


def find_users(view: str) -> Iterator[Find]:
    """User names; run after the secrets are painted, because a secret beside it makes any word a user name."""
    for label in labels.USER.finditer(view):
        found = list(_user(view, label))
        yield from found or _user_in_front(view, label)


def _pair(view: str, label: re.Match[str]) -> Iterator[Find]:
    double = labels.is_double(label[0])
    promise = Promise(owned=labels.is_owned(label))
    for word in words_behind(view, label, promise, reach=_REACH, lines=True):
        if not word.text:
            return
        name = re.split(r"/|\||::|:|,", word.text)[0]
        plain = double and promise.explicit and name and not is_talk(name) and not labels.ANY.fullmatch(name)
        if looks_user(name) or plain:
            yield from _named_pair(view, word.start, name, double=double)
            return
        if labels.ANY.fullmatch(word.text) or not _is_bridge(word, wide=double):
            return


def _named_pair(view: str, start: int, name: str, *, double: bool) -> Iterator[Find]:
    secrets = list(_secret_beside(view, start + len(name), any_shape=True))
    if secrets or (double and looks_user(name)):
        yield Find(start, start + len(name), Kind.USERNAME)
    yield from secrets


def _is_bridge(word: Word, *, wide: bool) -> bool:
    """Whether a word may stand between a label and the user name; `wide` lets words pass that we do not know."""
    return word.low in LINKS or word.low in THINGS or (wide and not is_talk(word.text))


def _user(view: str, label: re.Match[str]) -> Iterator[Find]:
    promise = Promise(owned=labels.is_owned(label))
    for step, word in enumerate(words_behind(view, label, promise, reach=_REACH)):
        if not word.text:
            return
        name = re.split(r"[/|]", word.text)[0]
        end = word.start + len(name)
        if name and (_is_user(name, promise, label[0], step) or _is_user_by_secret(view, name, end, promise)):
            yield Find(word.start, end, Kind.USERNAME)
            yield from _secret_beside(view, end, any_shape=False)
            return
        if (
            word.low in ("dan", "and", "atau", "or")
            or not _is_bridge(word, wide=False)
            or (labels.ANY.match(view, word.start) and word.low != "id")
        ):
            return
        promise.learn(word)


def _user_in_front(view: str, label: re.Match[str]) -> Iterator[Find]:
    """A user name before its label: "isi bend_uji di kolom user"."""
    word = None if labels.is_loose(label[0]) else word_in_front(view, label.start())
    if word and looks_user(word.text) and re.search(r"[^\W\d][._]\w|\d", word.text):
        yield Find(word.start, word.end, Kind.USERNAME)


def _is_user(name: str, promise: Promise, label: str, step: int) -> bool:
    loose = labels.is_loose(label)
    if name.isdigit():
        return not loose and promise.explicit and len(name) > 4
    if looks_user(name):
        # `login: ...` and `id=...` also head references such as `uji-0007`
        return not (loose and promise.explicit) or re.search(r"[._]|[A-Za-z]\d", name) is not None
    if loose or is_known(name) or is_verb(name) or not any(map(str.isalpha, name)):
        return False
    return promise.explicit or promise.owned or (step == 0 and labels.names_a_user(label))


def _is_user_by_secret(view: str, name: str, end: int, promise: Promise) -> bool:
    """Any word but talk is a user name when a hidden secret stands right behind it ("user admin password ...")."""
    if is_talk(name) or not any(map(str.isalpha, name)) or (is_known(name) and not promise.near):
        return False
    return _SECRET_NEXT.match(view, end) is not None


def _secret_beside(view: str, position: int, *, any_shape: bool) -> Iterator[Find]:
    """The password that stands beside a user name without a label of its own."""
    link = _BETWEEN.match(view, position)
    word = read_word(view, link.end()) if link and link.end() > position else None
    if link is None or word is None or not word.text or labels.ANY.match(view, word.start):
        return
    parted = any_shape and (link["sign"] or "").strip() in ("/", "|", ":", "::")
    plain = parted and not is_talk(word.text) and not is_known(word.text)
    numeric = parted and word.text.isdigit() and len(word.text) > 3
    if looks_secret(word.text, far=not any_shape) or plain or numeric:
        yield Find(word.start, word.end, Kind.PASSWORD)
