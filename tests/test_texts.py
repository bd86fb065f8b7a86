"""The catalogue: every entry is used, every use has an entry with the right values, nothing is said outside it."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from sipd_core.texts import catalogue, text

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "sipd_core").rglob("*.py")]


def strings() -> Iterator[str]:
    """Every literal string of the code, and the constant parts of its f-strings."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def calls() -> Iterator[tuple[str, set[str]]]:
    """(key, names of values) of every `text("...", ...)` with a literal key."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "text" and node.args
            ):
                continue
            key = node.args[0]
            if isinstance(key, ast.Constant) and all(keyword.arg for keyword in node.keywords):
                yield str(key.value), {str(keyword.arg) for keyword in node.keywords}


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_every_literal_use_has_its_entry_and_its_values() -> None:
    entries = catalogue()
    wrong = [(key, names) for key, names in calls() if key not in entries or not fields(entries[key]) <= names]
    assert wrong == []


def test_every_entry_is_used() -> None:
    """A key is used when it, or the part of it that an f-string holds, stands in the code."""
    written = set(strings())
    unused = [key for key in catalogue() if key not in written and not _built(key, written)]
    assert unused == []


def _built(key: str, written: set[str]) -> bool:
    """`cli.` in an f-string stands for every key that begins so, `chat.intents` for every entry of that table."""
    return (
        any(part.endswith((".", "_")) and key.startswith(part) for part in written) or key.rpartition(".")[0] in written
    )


def test_a_missing_entry_or_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        text("errors.there_is_no_such_entry")
    with pytest.raises(KeyError):
        text("errors.not_found")
