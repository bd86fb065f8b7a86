"""Where and who: links, e-mail addresses, and the display names that messengers put in front of a message.

A link is hidden whole when it can carry a person or a right: a query, a fragment with data, a password, a file share, a
short link, or any path outside the government's own domains. A bare domain and a plain path on `go.id` stay, because
they say which page fails.
"""

import re
from collections.abc import Iterator

from sipd_core.privacy.kinds import PAINTED, Find, Kind
from sipd_core.privacy.words import is_known

_URL = re.compile(rf"(?<![^\W_])(?:[a-z][a-z0-9+.-]{{1,15}}://|www\.)[^\s{PAINTED}<>\"'“”]{{2,}}", re.IGNORECASE)
_SCHEMELESS = re.compile(
    r"(?<![\w@./-])(?:[a-z0-9][a-z0-9-]{0,40}\.){1,4}(?:com|net|org|id|io|me|ly|gl|gd|to|cc|co|be|us|app|link|test|dev|page|"
    rf"site|online|info|xyz|cloud|ms|gg|gle)(?::\d{{2,5}})?[/?][^\s{PAINTED}<>\"'“”]{{1,}}",
    re.IGNORECASE,
)
_OWN_HOST = re.compile(r"(?:[a-z]+://)?(?:[\w-]{1,63}\.){1,6}(?:go\.id)(?::\d+)?(?=$|[/?#])", re.IGNORECASE)
_HOST_ONLY = re.compile(r"(?:[a-z]+://)?[^/?#@\s]{1,253}[/#]{0,3}", re.IGNORECASE)
_OPAQUE_SEGMENT = re.compile(r"/(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}")

_EMAIL = re.compile(
    r"(?<![\w.+%-])[\w.+%-]{1,64}(?:@| ?@ ?(?=(?:gmail|yahoo|ymail|hotmail|outlook|icloud|rocketmail)\.)"
    r"| ?[\[({](?:at|@)[\])}] ?)"
    r"(?:[a-z0-9-]{1,63}(?:\.| ?[\[({](?:dot|titik|\.)[\])}] ?)){1,5}[a-z]{2,12}(?![^\W_])",
    re.IGNORECASE,
)

_TILDE = re.compile(r"(?<![\w~/\\])~[ \u00a0\u202f]?(?=[^\s\d~/\\=<>])")
_NAME_WORD = re.compile(rf"[^\s,;:()\[\]{{}}<>\"/{PAINTED}]{{1,40}}")
_APPROXIMATE = re.compile(
    r"(?:rp|idr)\.?[\d.,]*\w{0,5}|jam|pukul|pkl|sekitar|kurang|lebih|tgl|tanggal|hari|minggu|bulan|tahun", re.IGNORECASE
)
_TITLES = {"pak", "bu", "ibu", "bapak", "bunda", "admin", "operator", "dinas", "kab", "kec", "bendahara"}
_CHAT_HEADER = re.compile(
    r"^\[?\d{1,2}[./]\d{1,2}[./]\d{2,4},? \d{1,2}[.:]\d\d(?:[.:]\d\d)?(?: ?[ap]m)?(?:\]| -) ?"
    r"(?P<a>[^\W\d_][^:\n]{1,40}):|"
    r"^\[\d{1,2}[.:]\d\d(?:[.:]\d\d)?(?: ?[ap]m)?, ?\d{1,2}[./]\d{1,2}[./]\d{2,4}\] ?"
    r"(?P<b>[^\W\d_][^:\n]{1,40}):",
    re.IGNORECASE | re.MULTILINE,
)
_MOTHER = re.compile(
    r"(?i:nama (?:gadis )?ibu(?: kandung)?)(?i:nya)?\s?(?:[:=]|(?i:adalah|yaitu))\s?"
    r"(?P<a>[A-Z][\w']*(?: [A-Z][\w']*){0,3})"
)


def find_links(view: str) -> Iterator[Find]:
    """Links that carry more than the name of a page, and every e-mail address."""
    for pattern in (_URL, _SCHEMELESS):
        for hit in pattern.finditer(view):
            link = _trimmed(hit[0])
            if _tells_something(link):
                yield Find(hit.start(), hit.start() + len(link), Kind.URL)
    for hit in _EMAIL.finditer(view):
        yield Find(*hit.span(), Kind.EMAIL)


def find_people(view: str) -> Iterator[Find]:
    """Display names: `~Name Name`, the sender of a copied chat line, the mother's name as a security answer."""
    for hit in _TILDE.finditer(view):
        end = _name_end(view, hit.end())
        if end > hit.end():
            yield Find(hit.start(), end, Kind.PERSON)
    for pattern in (_CHAT_HEADER, _MOTHER):
        for hit in pattern.finditer(view):
            group = "a" if hit["a"] else "b"
            yield Find(*hit.span(group), Kind.PERSON)


def _trimmed(link: str) -> str:
    """A link without the punctuation of the sentence around it; a bracket stays when the link opens one."""
    link = link.rstrip(".,;:!?*'”’>")
    opened = any(bracket in link for bracket in "([{")
    return link if opened else link.rstrip(".,;:!?)]}")


def _tells_something(link: str) -> bool:
    authority = link.split("://", 1)[-1].split("/", 1)[0]
    if "?" in link or "=" in link or "@" in authority:
        return True
    if _OWN_HOST.match(link):
        return _OPAQUE_SEGMENT.search(link) is not None
    return _HOST_ONLY.fullmatch(link) is None


def _name_end(view: str, position: int) -> int:
    """The end of a display name: its first word, then words that are capitalised or no ordinary language."""
    first = _NAME_WORD.match(view, position)
    if not first or not any(map(str.isalpha, first[0])) or _APPROXIMATE.fullmatch(first[0]):
        return position
    end = first.end()
    for _ in range(4):
        word = _NAME_WORD.match(view, end + 1) if view[end : end + 1] in (" ", "\u00a0") else None
        if word is None or not _continues_name(word[0]):
            break
        end = word.end()
    return end - (view[end - 1] in ".!?")


def _continues_name(word: str) -> bool:
    if not any(map(str.isalpha, word)):
        return not any(map(str.isalnum, word)) and not word.isascii()
    bare = word.strip(".!?")
    return not is_known(bare) or (bare[:1].isupper() and bare.lower() in _TITLES)
