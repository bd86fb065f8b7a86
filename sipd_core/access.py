"""Who may ask what over HTTP, and how often. One reason to change: the rule at the door."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sipd_core.deeds import Deed, DeedKind, DeedOutcome, acting
from sipd_core.errors import AccessError, KeyRefusedError, RateExceededError, ScopeError
from sipd_core.locale_id import number
from sipd_core.scopes import Scope
from sipd_core.store.api_keys import ApiKey, ApiKeyStore, shown_id
from sipd_core.store.audit import AuditLog
from sipd_core.store.database import Database
from sipd_core.store.rate_limits import Allowance, RateLimitStore
from sipd_core.store.sparing import Sparing


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that was let in."""

    key: ApiKey
    allowance: Allowance


class Access:
    """The door: keys with their scopes, and the limits of each. Safe to call from any thread and any process."""

    def __init__(
        self, database: Database, *, chat_limit: int, read_limit: int, clock: Callable[[], float] = time.time
    ) -> None:
        """Limits are requests a minute and key; a question and everything else are counted apart."""
        self.keys = ApiKeyStore(database, clock=clock)
        self._rates = RateLimitStore(database, clock=clock)
        self._audit, self._refusals = AuditLog(database), Sparing(clock=clock)
        self._chat_limit, self._read_limit = chat_limit, read_limit
        self._clock = clock

    def enter(self, key: str | None, scope: Scope | None) -> Admission:
        """Let a caller in who has a key for `scope` (None: any key will do) and requests left.

        Raises KeyRefusedError, ScopeError, RateExceededError; the audit knows of it by then.
        """
        try:
            return self._enter(key, scope)
        except AccessError as error:
            self._note(key, scope, error)
            raise

    def _enter(self, key: str | None, scope: Scope | None) -> Admission:
        known = self._known(key)
        if scope is not None and scope not in known.scopes:
            raise ScopeError(f"key {known.id} lacks {scope}", scope=scope, scopes=", ".join(sorted(known.scopes)))
        return Admission(known, self._spend(known, scope))

    def _known(self, key: str | None) -> ApiKey:
        if not key:
            raise KeyRefusedError(text_key="access.missing" if self.keys.count() else "access.none")
        known = self.keys.find(key)
        if known is None:
            raise KeyRefusedError("unknown key", text_key="access.unknown")
        if known.revoked_at is not None:
            raise KeyRefusedError(f"key {known.id} is revoked", text_key="access.revoked")
        if known.expires_at is not None and known.expires_at <= datetime.fromtimestamp(self._clock(), UTC):
            raise KeyRefusedError(f"key {known.id} has expired", text_key="access.expired")
        return known

    def _note(self, key: str | None, scope: Scope | None, error: AccessError) -> None:
        """Once a minute for each caller and reason; of the key only the part that may be seen, if it is one of ours."""
        id_ = shown_id(key)
        held = self._refusals.due(f"{error.text_key} {id_} {acting().address}")
        if held is None:
            return
        details = {"reason": error.text_key.rpartition(".")[2], "scope": scope, "before": held}
        self._audit.record(Deed(DeedKind.API_REFUSED, id_, outcome=DeedOutcome.REFUSED, details=details))

    def _spend(self, key: ApiKey, scope: Scope | None) -> Allowance:
        asks = scope is Scope.CHAT
        limit = self._chat_limit if asks else self._read_limit
        allowance = self._rates.take(f"{key.id}/{'chat' if asks else 'read'}", limit)
        if allowance.retry_after is None:
            return allowance
        raise RateExceededError(
            f"key {key.id}",
            limit=limit,
            reset=allowance.reset,
            retry_after=allowance.retry_after,
            times=number(limit),
            seconds=number(math.ceil(allowance.retry_after)),
        )
