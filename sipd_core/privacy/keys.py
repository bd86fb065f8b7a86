"""Keys of machines, recognised by their own form: tokens, API keys, key blocks, authorisation headers."""

import re
from collections.abc import Iterator

from sipd_core.privacy.kinds import PAINTED, Find, Kind

_PATTERNS = tuple(
    re.compile(pattern, flags)
    for pattern, flags in (
        (r"(?<!\w)eyJ[\w-]{5,}\.[\w-]{2,}(?:\.[\w-]*)?", 0),
        (r"(?<!\w)(?:bearer|basic)\s+(?P<key>(?=[A-Za-z._~+/-]{0,200}\d|\S{24})[\w.~+/-]{12,}={0,2})", re.IGNORECASE),
        (
            rf"(?<!\w)authorization[\"']?\s?[:=]\s?[\"']?(?:[A-Za-z]{{3,12}}\s)?(?P<key>(?=\D{{0,40}}\d|\S{{24}})[^\s\"'{PAINTED}]{{8,}})",
            re.IGNORECASE,
        ),
        (r"(?<!\w)(?:sk|pk|rk)[-_](?:[a-z]{2,8}[-_])?[A-Za-z0-9_-]{16,}", 0),
        (r"(?<!\w)sipd_[0-9a-f]{8}_[\w-]{20,}", 0),  # our own (store/api_keys.py)
        (
            r"(?<!\w)(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,})",
            0,
        ),
        (r"-----BEGIN [A-Z ]{3,30}-----[^-]{0,8000}(?:-----END [A-Z ]{3,30}-----)?", 0),
    )
)


def find_keys(view: str) -> Iterator[Find]:
    """Every token whose form gives it away, without any label."""
    for pattern in _PATTERNS:
        for hit in pattern.finditer(view):
            group = "key" if "key" in pattern.groupindex else 0
            yield Find(*hit.span(group), Kind.ACCESS_KEY)
