"""Text that people typed or uploaded, made safe for Markdown places: it is shown as written and never acts.

Streamlit's Markdown knows, besides the usual marks, LaTeX (`$`), directives (`:red[…]`), icons (`:material/…:`), emoji
names (`:smile:`) and bare links. Marks are switched off with a backslash; what the browser replaces only after parsing
(emoji names, icons, bare links) is broken up with an invisible word joiner.
"""

import re

from sipd_core.privacy import pieces

_JOINER = "\u2060"
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_SHORTCODE = re.compile(r":(?=(?:[^\s:]*[^\s:\d][^\s:]*|100|1234):)")
_LINK_START = re.compile(r"(?i)(https?:|www)(?=[/.])")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters and direction overrides, which can make a text read otherwise than it is."""
_NUMBERED = re.compile(r"^\s*(\d{1,3})[.)]\s+(.*)$")
_BULLET = re.compile(r"^\s*[-*•]\s+(.*)$")


def plain(text: str) -> str:
    """`text` for a Markdown place with its line breaks kept."""
    paragraphs = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return "\n\n".join("  \n".join(plain_line(line) for line in part.splitlines()) for part in paragraphs)


def plain_line(text: str) -> str:
    """`text` as one line, for labels, badges and captions."""
    line = " ".join(_UNSEEN.sub("", text.replace("\r", "\n")).split())
    line = _SHORTCODE.sub(f":{_JOINER}", line)
    line = _LINK_START.sub(rf"\1{_JOINER}", line).replace("@", f"{_JOINER}@")
    return _PUNCTUATION.sub(r"\\\1", line)


def masked_markdown(text: str) -> str:
    """A masked text as one line of Markdown, with everything that was masked standing out."""
    return "".join(
        plain_line_kept(piece) if kind is None else f":violet-badge[:material/lock: {plain_line(piece.strip('[]'))}]"
        for piece, kind in pieces(text)
    ).strip()


def masked_lines(text: str) -> str:
    """A masked text with its line breaks kept, and everything that was masked standing out."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join("  \n".join(map(masked_markdown, part.splitlines())) for part in paragraphs)


def plain_line_kept(text: str) -> str:
    """As `plain_line`, with a space kept at either end: what is put together from pieces must not grow together."""
    inner = plain_line(text)
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() and inner else ""
    return f"{before}{inner}{after}"


def shortened(text: str, limit: int) -> str:
    """`text` as one line of at most `limit` characters, cut at a word; not yet escaped."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut).rstrip(" ,.;:") + "…"


def answer_markdown(text: str) -> str:
    """An answer as Markdown: everything in it is plain, except that its numbered and bulleted lines become lists."""
    written: list[str] = []
    previous, number = "blank", 0
    for line in text.splitlines():
        kind, number, shown = _read(line, previous, number)
        if kind != "blank":
            written += [_joint(previous, kind) if written else "", shown]
        previous = kind
    return "".join(written)


def _read(line: str, previous: str, number: int) -> tuple[str, int, str]:
    """Kind of a line, its number, and the line as Markdown."""
    if not line.strip():
        return "blank", number, ""
    if bullet := _BULLET.match(line):
        return "bullet", 0, f"- {plain_line(bullet[1])}"
    numbered = _NUMBERED.match(line)
    # Markdown renumbers a list, so a step that does not follow its predecessor is written as text.
    if numbered and (previous != "number" or int(numbered[1]) == number + 1):
        return "number", int(numbered[1]), f"{int(numbered[1])}. {plain_line(numbered[2])}"
    return "text", 0, plain_line(line)


def _joint(previous: str, kind: str) -> str:
    """What separates two lines: a new item of one list, a line break inside a paragraph, or a new block."""
    if previous != kind:
        return "\n\n"
    return "  \n" if kind == "text" else "\n"
