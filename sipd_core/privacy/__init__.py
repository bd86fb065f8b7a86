"""Masking: personal data and credentials leave a text before anything else sees it.

`mask` is the one door. Its rules are our own (no library knows a NIP or the word *sandi*); each family of rules paints
what it found over a working copy, so that the next family cannot take a piece of it for something else.
"""

import re
from collections import Counter
from collections.abc import Mapping

from sipd_core.privacy.addresses import find_links, find_people
from sipd_core.privacy.banking import find_banking
from sipd_core.privacy.credentials import find_credentials, find_repeats
from sipd_core.privacy.keys import find_keys
from sipd_core.privacy.kinds import Kind, Masked, Sheet, label, pieces, token
from sipd_core.privacy.logins import find_pairs, find_users
from sipd_core.privacy.numbers import find_numbers
from sipd_core.privacy.tables import find_cells
from sipd_core.privacy.words import is_known, looks_secret, looks_user

__all__ = ["Kind", "Masked", "label", "mask", "names_in", "pieces", "secrets_in", "token"]

_SEPARATORS = re.compile(r"[\s/|,;:=()\"'<>]+")
_ROUNDS = 4
"""Upper bound on repetitions; one round finds everything in nearly every text, a second one proves it."""


def mask(text: str, known: Mapping[str, Kind] | None = None) -> Masked:
    """`text` with personal data and credentials replaced by tokens such as `[NIP]`; the rest stays verbatim.

    `known` are words that are personal because of where else they stand, with their kind; at most 40 are looked for.
    Masking a masked text changes nothing. Takes time linear in the length of the text.
    """
    counts: Counter[str] = Counter()
    for _ in range(_ROUNDS):
        sheet = Sheet(text)
        _paint_all(sheet, known or {})
        found = sheet.printed()
        counts.update(found.counts)
        if found.text == text:
            break
        text = found.text
    return Masked(text, dict(counts))


_FAMILIES = (
    find_keys,
    find_links,
    find_people,
    find_numbers,
    find_banking,
    find_cells,
    find_pairs,
    find_credentials,
    find_users,
)
"""In this order: numbers give themselves away and come before prose; a user name may depend on the secret beside it."""


def secrets_in(cell: str) -> dict[str, Kind]:
    """The words of a cell that is known to hold credentials which are unmistakable enough to be hidden elsewhere."""
    words = [word for word in _SEPARATORS.split(cell) if 5 <= len(word) <= 100]
    kept = [word for word in words if looks_secret(word) or looks_user(word) or (word.isdigit() and len(word) >= 6)]
    return dict.fromkeys(kept, Kind.PASSWORD)


def names_in(cell: str) -> dict[str, Kind]:
    """The name of a person in a cell that is known to hold one, in the cases it may be written in elsewhere."""
    name = " ".join(cell.split())
    words = name.replace(".", " ").replace(",", " ").split()
    if not 2 <= len(words) <= 5 or len(name) < 7 or not all(word.isalpha() for word in words):
        return {}
    if any(is_known(word) for word in words):
        return {}
    return dict.fromkeys((name, name.title(), name.upper(), name.lower()), Kind.PERSON)


def _paint_all(sheet: Sheet, known: Mapping[str, Kind]) -> None:
    for family in _FAMILIES:
        sheet.paint(family(sheet.view))
    sheet.paint(find_repeats(sheet.view, {**_memorable(sheet), **known}))


def _memorable(sheet: Sheet) -> dict[str, Kind]:
    """Found credentials that are unmistakable enough to be hidden wherever they stand."""
    credentials = (find for find in sheet.finds if find.kind in (Kind.PASSWORD, Kind.USERNAME, Kind.ACCESS_KEY))
    found = {sheet.original(find): find.kind for find in credentials}
    return {literal: kind for literal, kind in found.items() if 5 <= len(literal) <= 100 and looks_secret(literal)}
