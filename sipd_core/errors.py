"""Every error this engine raises on purpose.

SipdError                     has `user_text` (Indonesian, from the catalogue) and an English detail for the log
├── SettingsError             an environment variable holds a value that is not allowed
├── MessageError              a chat message that cannot be answered (empty, too long)
├── TableError                an uploaded file that cannot be read as a complaint log
├── EmbeddingError            an embedding could not be computed; never answered with zeros
├── NotFoundError             a conversation, case or import that does not exist
└── StoreError                the database or the index cannot be used
    ├── StoreFullError        no space left; nothing acknowledged is lost
    ├── StoreLockedError      another writer holds the database for too long
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


class SettingsError(SipdError):
    """A setting with a value that is not allowed: values `variable`, `value`, `allowed`."""

    text_key = "errors.settings"


class MessageError(SipdError):
    """A chat message that cannot be answered."""

    text_key = "errors.message_empty"


class TableError(SipdError):
    """A file that cannot be read as a complaint log; `text_key` names an entry of `tables.toml`."""

    text_key = "tables.not_a_table"


class EmbeddingError(SipdError):
    """No embedding could be computed: value `reason`."""

    text_key = "errors.embedding_failed"


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


class IndexOwnedError(StoreError):
    """Another process owns the vector index: value `owner`."""

    text_key = "errors.index_owned"
