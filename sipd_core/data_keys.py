"""Keys that texts are sealed with: how they are written down, what they are called, what is derived from them.

One reason to change: what a data key is. Nothing here reads or writes a file.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

KEY_BYTES = 32
_STANDARD = str.maketrans("-_", "+/")


@dataclass(frozen=True)
class DataKey:
    """One secret of 32 bytes; everything that works with it uses a key derived from it, never the secret itself."""

    secret: bytes = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """A key that nobody has."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read 32 bytes in base64, of either alphabet; raises ValueError, which says nothing of the value."""
        plain = written.strip().translate(_STANDARD)
        try:
            secret = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("no base64") from None
        if len(secret) != KEY_BYTES:
            raise ValueError("not 32 bytes")
        return cls(secret)

    def write(self) -> str:
        """The secret as people and files hold it."""
        return base64.urlsafe_b64encode(self.secret).decode()

    @cached_property
    def id(self) -> str:
        """By which sealed texts name the key: eight hexadecimal digits that give nothing of it away."""
        return self.derived("id").hex()[:8]

    def derived(self, purpose: str) -> bytes:
        """32 bytes for one purpose alone."""
        return hmac.new(self.secret, f"sipd {purpose}".encode(), hashlib.sha256).digest()


def parse_keys(written: str) -> tuple[DataKey, ...]:
    """Keys separated by commas, each once; raises ValueError."""
    keys = [DataKey.parse(part) for part in written.split(",") if part.strip()]
    return tuple({key.id: key for key in keys}.values())
