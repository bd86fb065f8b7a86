"""Every error this engine raises on purpose.

SipdError                     has `user_text` (Indonesian, from the catalogue) and an English detail for the log
├── SettingsError             an environment variable holds a value that is not allowed
├── MessageError              a chat message that cannot be answered (empty, too long)
├── TableError                an uploaded file that cannot be read as a complaint log
├── CaseError                a row cannot be what a person wants it to be (empty, too long, a repetition)
├── EmbeddingError            an embedding could not be computed; never answered with zeros
├── PriceError                the price table cannot be read
├── PeriodError               two days that are no period
├── SpendingError             a price, a rate or an invoice that cannot be what was typed
├── AssumptionError           what somebody supposes of the work by hand cannot be, or was changed meanwhile
├── TicketError               a ticket cannot become what was asked, or was changed meanwhile
├── GapError                  a gap cannot become what was asked, or was changed meanwhile
├── AlertError                a rule for alerts that cannot be what was typed, or nothing to acknowledge or send to
├── AuditError                what was typed is no head of the audit's chain
├── WebhookError              an alert did not reach the receiver; it is tried again
├── ProviderError             the hosted models cannot be used; has status, request id, the provider's message, retries
│   ├── UnreachableError      no connection; the provider was never reached
│   ├── TimedOutError         an answer did not come in time (connect, first byte, between chunks, total)
│   ├── RefusedKeyError       401 or 403
│   ├── UnknownModelError     404: the model id is not served
│   ├── RefusedRequestError   400, 413, 422: the request itself is wrong
│   ├── RateLimitedError      429 after all retries
│   ├── ProviderDownError     408, 409, 5xx or a broken connection after all retries
│   ├── BadReplyError         an answer of the wrong shape, count, order, dimension, or with numbers that are not finite
│   ├── BrokenStreamError     a stream that ended without its end; what came before is not a whole answer
│   └── BreakerOpenError      not tried: it failed too often a moment ago
├── BackupError               an archive that cannot be made, read or restored; nothing was changed
│   ├── BackupBusyError       another backup, test or restore is under way
│   └── RestoringError        the console gives its content up for what an archive holds, and is back in a moment
├── UpgradingError            the first start after an update puts the data into today's form, and is done in a while
├── BudgetExceededError       the call could cost more than is left of the day's or the month's budget
├── ForbiddenError            the roles of whoever acts do not cover what he asks for
├── SignedOutError            nobody is signed in where somebody must be
├── SignInError               somebody is not let in, or may not try again yet
├── PeopleError               an account, a role or a password that cannot be what was asked
├── BaseChangedError          the base changed between a dry run and its confirmation; nothing was stored
├── AccessError               a program is not let in over HTTP
│   ├── KeyRefusedError       no key, or one that is unknown, expired or revoked
│   ├── ScopeError            the key is good, but not for this
│   └── RateExceededError     too many requests in too short a time
├── TooOftenError            a person, or an address, asks or uploads too often; says how long to wait
├── NotFoundError             a conversation, case or import that does not exist
└── StoreError                the database or the index cannot be used
    ├── StoreFullError        no space left; nothing acknowledged is lost
    ├── StoreLockedError      another writer holds the database for too long
    ├── StoreDamagedError     the database's file is damaged; it was not touched
    ├── DataKeyError          a key that texts are sealed with is missing or wrong; nothing was changed
    ├── KeyRetiredError       the key was replaced while something was written; done again, it succeeds
    └── IndexOwnedError       another process owns the vector index
"""

from sipd_core.texts import text


class SipdError(Exception):
    """Base of the tree; `values` fill the catalogue entry `text_key`, `detail` is for the log only."""

    text_key = "errors.unexpected"

    def __init__(self, detail: str = "", *, text_key: str | None = None, **values: object) -> None:
        self.text_key = text_key or type(self).text_key
        self.values = values
        super().__init__(detail or f"{self.text_key} {values!r}")

    @property
    def user_text(self) -> str:
        """What the person at the screen reads: what happened and what to do."""
        return text(self.text_key, **self.values)


def root_cause(error: BaseException) -> str:
    """Name of the error of this tree that began it: what an EmbeddingError was made of says more than itself."""
    while isinstance(error.__cause__, SipdError):
        error = error.__cause__
    return type(error).__name__


class SettingsError(SipdError):
    """A setting with a value that is not allowed: values `variable`, `value`, `allowed`."""

    text_key = "errors.settings"


class MessageError(SipdError):
    """A chat message that cannot be answered."""

    text_key = "errors.message_empty"


class TableError(SipdError):
    """A file that cannot be read as a complaint log; `text_key` names an entry of `tables.toml`."""

    text_key = "tables.not_a_table"


class CaseError(SipdError):
    """A row cannot be what a person wants it to be; `text_key` names an entry of `changes.toml`."""

    text_key = "changes.no_issue"


class EmbeddingError(SipdError):
    """No embedding could be computed: value `reason`."""

    text_key = "errors.embedding_failed"

    @property
    def reason(self) -> str:
        """Why, in Indonesian, for a sentence of one's own."""
        return str(self.values.get("reason", ""))


class PeriodError(SipdError):
    """Two days that are no period; `text_key` says why."""

    text_key = "errors.period_reversed"


class AssumptionError(SipdError):
    """A value that cannot be, or a version that is not there any more; `text_key` names an entry of `value.toml`."""

    text_key = "value.error.range"


class PriceError(SipdError):
    """The price table cannot be read: values `path`, `row`, `reason`."""

    text_key = "errors.prices"


class SpendingError(SipdError):
    """What a person typed is no price, rate or invoice; `text_key` names an entry of `spending.toml`."""

    text_key = "spending.error.entry_gone"


class TicketError(SipdError):
    """A ticket cannot become what was asked; `text_key` names an entry of `desk.toml`."""

    text_key = "desk.error.changed"


class GapError(SipdError):
    """A gap cannot become what was asked; `text_key` names an entry of `learning.toml`."""

    text_key = "learning.error.changed"


class ApprovalError(SipdError):
    """An answer cannot be edited, approved, withdrawn or gone on with as it stands."""

    text_key = "approved.error.moved"


class AlertError(SipdError):
    """What a person wants of the alerts cannot be; `text_key` names an entry of `alerts.toml`."""

    text_key = "alerts.error.closed"


class AuditError(SipdError):
    """What a person wants of the audit cannot be; `text_key` names an entry of `audit.toml`."""

    text_key = "audit.error.head"


class WebhookError(SipdError):
    """The receiver of alerts did not take one: value `reason`, in Indonesian; neither address nor secret is part of it."""

    text_key = "alerts.error.webhook"


class ProviderError(SipdError):
    """The hosted models could not be used; neither the key nor a text of a person is ever part of it."""

    text_key = "errors.provider.down"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        request_id: str | None = None,
        retries: int = 0,
        retry_after: float | None = None,
        sent: bool = True,
        text_key: str | None = None,
        **values: object,
    ) -> None:
        """`detail` is the provider's own message; `retry_after` in seconds; `sent`: the provider was reached."""
        self.status = status
        self.request_id = request_id
        self.retries = retries
        self.retried_for: tuple[str, ...] = ()
        """What each attempt before the last one met: class names of this module."""
        self.retry_after = retry_after
        self.sent = sent
        super().__init__(detail, text_key=text_key, **values)


class UnreachableError(ProviderError):
    """No connection could be made: the provider was never reached."""

    text_key = "errors.provider.unreachable"


class TimedOutError(ProviderError):
    """The provider did not answer, or not go on, in time."""

    text_key = "errors.provider.timed_out"


class RefusedKeyError(ProviderError):
    """401 or 403."""

    text_key = "errors.provider.key"


class UnknownModelError(ProviderError):
    """404: values `model` and `served` (names, comma-separated; empty when they could not be had)."""

    text_key = "errors.provider.model"


class RefusedRequestError(ProviderError):
    """The request itself is wrong: 400, 413, 422."""

    text_key = "errors.provider.request"


class RateLimitedError(ProviderError):
    """429 after all retries."""

    text_key = "errors.provider.rate"


class ProviderDownError(ProviderError):
    """408, 409, 5xx or a broken connection after all retries."""


class BadReplyError(ProviderError):
    """An answer that cannot be used: value `reason`, in Indonesian."""

    text_key = "errors.provider.reply"


class BrokenStreamError(ProviderError):
    """A stream that ended without its end."""

    text_key = "errors.provider.broken"


class BreakerOpenError(ProviderError):
    """Not tried: it failed too often a moment ago."""

    text_key = "errors.provider.resting"


class BackupError(SipdError):
    """An archive that cannot be made, read or restored; nothing was changed. `text_key` names an entry of `backup.toml`."""

    text_key = "backup.error.damaged"


class BackupBusyError(BackupError):
    """Another backup, test or restore is under way."""

    text_key = "backup.error.busy"


class RestoringError(BackupError):
    """The console's content is being replaced: whatever was asked can be asked again in a moment."""

    text_key = "backup.error.restoring"


class UpgradingError(SipdError):
    """The data are being put into today's form at a start: values `done`, `total` (rows). Asked again later, it is over."""

    text_key = "errors.upgrading"


class BudgetExceededError(SipdError):
    """A call that could cost more than what is left: values `period` (Indonesian), `budget`, `left`."""

    text_key = "errors.budget"


class AccessError(SipdError):
    """A program is not let in over HTTP."""

    text_key = "access.missing"


class KeyRefusedError(AccessError):
    """No key, or one that does not count; `text_key` says what to do."""


class ScopeError(AccessError):
    """The key is good, but not for this: values `scope`, `scopes` (those it has)."""

    text_key = "access.scope"


class RateExceededError(AccessError):
    """Too many requests in too short a time: values `times` (a minute), `seconds` to wait."""

    text_key = "access.rate"

    def __init__(self, detail: str = "", *, limit: int, reset: float, retry_after: float, **values: object) -> None:
        """`limit` a minute; `reset` and `retry_after` in seconds: until all is there again, until one is."""
        self.allowed = limit
        self.reset = reset
        self.retry_after = retry_after
        super().__init__(detail, text_key=None, **values)


class ForbiddenError(SipdError):
    """What is asked for needs a permission that whoever acts has not: value `name`, what it is in Indonesian."""

    text_key = "people.error.forbidden"


class SignedOutError(SipdError):
    """Nobody is signed in, or not any more."""

    text_key = "people.error.signed_out"


class SignInError(SipdError):
    """Somebody is not let in; says nothing about which names there are. `text_key` names an entry of `people.toml`."""

    text_key = "people.error.wrong"


class PeopleError(SipdError):
    """An account cannot become what was asked; `text_key` names an entry of `people.toml`."""

    text_key = "people.error.last_admin"


class BaseChangedError(SipdError):
    """An import would no longer do what its dry run said; nothing was stored."""

    text_key = "errors.base_changed"


class TooOftenError(SipdError):
    """Too many messages or uploads in too short a time: values `times`, `seconds`."""

    text_key = "limits.message_person"


class NotFoundError(SipdError):
    """Something asked for by its id does not exist: value `what`."""

    text_key = "errors.not_found"


class StoreError(SipdError):
    """The store cannot be used: values `reason`, `path`."""

    text_key = "errors.store_unavailable"


class StoreFullError(StoreError):
    """The disk is full: value `path`."""

    text_key = "errors.store_full"


class StoreLockedError(StoreError):
    """Another process holds the database for longer than we wait."""

    text_key = "errors.store_locked"


class StoreDamagedError(StoreError):
    """The database's file is damaged and was not touched: values `reason`, `path` (the file), `archive`."""

    text_key = "errors.store_damaged"


class DataKeyError(StoreError):
    """Sealed texts cannot be opened, or nothing can be sealed: value `ids` (of the keys) where some are missing."""

    text_key = "data_key.none"


class KeyRetiredError(StoreError):
    """A rotation retired the key in the middle of a transaction, which was rolled back."""

    text_key = "data_key.retired"


class IndexOwnedError(StoreError):
    """Another process owns the vector index: value `owner`."""

    text_key = "errors.index_owned"
