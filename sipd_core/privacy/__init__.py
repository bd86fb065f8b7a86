"""Masking: personal data and credentials leave a text before anything else sees it.

`mask` is the one door. Its rules are our own (no library knows a NIP or the word *sandi*); each family of rules paints
what it found over a working copy, so that the next family cannot take a piece of it for something else.
"""

from collections import Counter

from sipd_core.privacy.addresses import find_links, find_people
from sipd_core.privacy.banking import find_banking
from sipd_core.privacy.credentials import find_credentials, find_repeats
from sipd_core.privacy.keys import find_keys
from sipd_core.privacy.kinds import Kind, Masked, Sheet, label
from sipd_core.privacy.logins import find_pairs, find_users
from sipd_core.privacy.numbers import find_numbers
from sipd_core.privacy.tables import find_cells
from sipd_core.privacy.words import looks_secret

__all__ = ["Kind", "Masked", "label", "mask"]

_ROUNDS = 4
"""Upper bound on repetitions; one round finds everything in nearly every text, a second one proves it."""


def mask(text: str) -> Masked:
    """`text` with personal data and credentials replaced by tokens such as `[NIP]`; the rest stays verbatim.

    Masking a masked text changes nothing. Takes time linear in the length of the text.
    """
    counts: Counter[str] = Counter()
    for _ in range(_ROUNDS):
        sheet = Sheet(text)
        _paint_all(sheet)
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


def _paint_all(sheet: Sheet) -> None:
    for family in _FAMILIES:
        sheet.paint(family(sheet.view))
    sheet.paint(find_repeats(sheet.view, _memorable(sheet)))


def _memorable(sheet: Sheet) -> dict[str, Kind]:
    """Found credentials that are unmistakable enough to be hidden wherever they stand."""
    credentials = (find for find in sheet.finds if find.kind in (Kind.PASSWORD, Kind.USERNAME, Kind.ACCESS_KEY))
    found = {sheet.original(find): find.kind for find in credentials}
    return {literal: kind for literal, kind in found.items() if 5 <= len(literal) <= 100 and looks_secret(literal)}
