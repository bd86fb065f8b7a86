"""The one catalogue of everything a person reads on screen, in Indonesian.

Entries live in the `*.toml` files beside this module, one file per area: the key `chat.empty_title` is the entry
`empty_title` of `chat.toml`. Values are `str.format` templates.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


@cache
def catalogue() -> Mapping[str, str]:
    """Every entry as `area.name` -> template; nested tables join their names with dots."""
    entries: dict[str, str] = {}
    for file in sorted(_FOLDER.glob("*.toml")):
        entries.update(_flatten(file.stem, tomllib.loads(file.read_text(encoding="utf-8"))))
    return entries


def text(key: str, /, **values: object) -> str:
    """The entry `key` with `values` filled in; raises KeyError for an entry or a value that is missing."""
    return catalogue()[key].format(**values)


def _flatten(prefix: str, table: Mapping[str, Any]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in table.items():
        key = f"{prefix}.{name}"
        if isinstance(value, dict):
            flat.update(_flatten(key, value))
        else:
            flat[key] = str(value)
    return flat
