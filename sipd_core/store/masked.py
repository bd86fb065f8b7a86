"""That secrets were masked, as the audit is told of it: their kinds and how many, never a word of them."""

from collections.abc import Mapping

from sipd_core.deeds import Deed, DeedKind
from sipd_core.privacy import Kind

SECRETS = frozenset({Kind.PASSWORD, Kind.CODE, Kind.ACCESS_KEY})
"""Kinds that let somebody in; a NIP or a user name alone does not."""


def masked_secrets(target: str, counts: Mapping[str, int], *, actor: str = "") -> list[Deed]:
    """The deed of masking, if there was anything to mask; `counts` by the values of Kind."""
    found = {kind: number for kind, number in counts.items() if kind in SECRETS and number}
    return [Deed(DeedKind.SECRET_MASKED, target, actor, details={"kinds": found})] if found else []
