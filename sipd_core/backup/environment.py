"""What an archive holds of an installation besides its rows: settings without secrets, and its own price table."""

import json
import re
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr, TypeAdapter, ValidationError

from sipd_core.errors import BackupError
from sipd_core.settings import Settings

OWN_PRICES = "prices.csv"
"""Name under the data folder; without it the shipped table counts."""
_SECRET = re.compile(r"(^|_)(key|secret|password|passwd|token|sandi|cookie)(_|$)")
_PLACES = frozenset({"sipd_data_dir", "backup_dir"})
"""Folders of one computer: on another one they say nothing."""
_TEXTS = TypeAdapter(dict[str, str | None])


def settings_as_json(settings: Settings) -> bytes:
    """Every setting that is no secret; of an address nothing but scheme, host and path."""
    return json.dumps(public_settings(settings), ensure_ascii=False, indent=1).encode()


def public_settings(settings: Settings) -> dict[str, str | None]:
    """Setting in capitals -> its value as text."""
    told = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {name.upper(): _plain(value) for name, value in told.items() if _is_public(name, value)}


def settings_from_json(raw: bytes) -> dict[str, str | None]:
    """Out of an archive; raises BackupError."""
    try:
        return _TEXTS.validate_json(raw, strict=True)
    except ValidationError as error:
        raise BackupError(f"settings: {error.error_count()} faults") from error


def own_prices(data: Path) -> bytes | None:
    """The installation's own price table, None where the shipped one counts."""
    try:
        return (data / OWN_PRICES).read_bytes()
    except FileNotFoundError:
        return None


def _is_public(name: str, value: object) -> bool:
    if isinstance(value, SecretStr) or name in _PLACES:
        return False
    return isinstance(value, bool | int | float | Decimal) or not _SECRET.search(name)


def _plain(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or "://" not in value:
        return str(value)
    parts = urlsplit(value)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
