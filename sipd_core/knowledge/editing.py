"""A person's edit of a row: what may be written, and under which ids the row is known from then on.

One reason to change: what an admin may do to a single row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sipd_core.documents import Case, case_id
from sipd_core.errors import CaseError, NotFoundError
from sipd_core.privacy import mask
from sipd_core.store.cases import CaseStore
from sipd_core.store.meeting import CONTENT, same

MAX_CELL = 20_000
"""Characters of one text, as for an imported cell."""


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit that may be stored."""

    case: Case
    redirects: Mapping[str, str]
    """The content id of the new words, when they are new: a file that says them finds the row."""


def checked(store: CaseStore, edited: Case) -> Edit:
    """`edited`, masked, as it may be stored.

    Raises CaseError when it has no complaint, changes nothing, is too long, or repeats another row; NotFoundError when
    the row is gone.
    """
    case = replace(masked_case(edited), sample=False)  # an edited sample is the admin's own
    before = store.get(case.id)
    if not any(sign.isalnum() for sign in case.issue):
        raise CaseError("no complaint", text_key="changes.no_issue")
    if max(len(getattr(case, name)) for name in CONTENT) > MAX_CELL:
        raise CaseError("too long", text_key="changes.too_long", limit=MAX_CELL)
    if same(case, before):
        raise CaseError("nothing changed", text_key="changes.nothing")
    key = case_id(case.menu, case.issue)
    if key != case.id and (other := _there(store, key)) is not None:
        raise CaseError("repeats another row", text_key="changes.repeats", file=other.file, row=other.row)
    return Edit(case, {} if key == case.id else {key: case.id})


def masked_case(case: Case) -> Case:
    """A case as a person wrote it, with every text masked; its remedy is what the person says it is."""
    texts: dict[str, Any] = {name: mask(getattr(case, name).strip()).text for name in CONTENT}
    return replace(case, **texts)


def _there(store: CaseStore, case_id: str) -> Case | None:
    try:
        return store.get(case_id)
    except NotFoundError:
        return None
