"""How tables are written down in an archive: their shape, and each row as one line of JSON.

The shape travels with the rows, so an archive of an earlier release can be read in its own tables before it is migrated.
"""

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeEngine

from sipd_core.errors import BackupError
from sipd_core.store.cipher import Sealed, as_stored
from sipd_core.store.resealing import Place, places

Kind = Literal["boolean", "integer", "big_integer", "float", "binary", "json", "text", "string"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
_INTEGERS = range(-(2**63), 2**63)
_UNUSUAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
"""Floats that JSON has no word for."""

_KINDS: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
    (Boolean, "boolean"),
    (BigInteger, "big_integer"),
    (Integer, "integer"),
    (Float, "float"),
    (LargeBinary, "binary"),
    (JSON, "json"),
    (Sealed, "text"),
    (Text, "text"),
    (String, "string"),
)
"""The first that fits counts: some of these types are descended from others. Sealed texts are archived as they are, sealed."""


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """One column; `default` is the server's, as text."""

    name: Name
    kind: Kind
    length: int | None
    nullable: bool
    key: bool
    default: str | None


@dataclass(frozen=True, slots=True)
class ReferenceShape:
    """A foreign key: our columns, their table and columns, whether its rows go with theirs."""

    columns: tuple[Name, ...]
    table: Name
    others: tuple[Name, ...]
    cascade: bool


@dataclass(frozen=True, slots=True)
class IndexShape:
    """An index; without a name it is a unique constraint."""

    name: Name | None
    columns: tuple[Name, ...]
    unique: bool


@dataclass(frozen=True, slots=True)
class TableShape:
    """One table. Of a `local` one the rows stay where they are: they tell of one installation, not of its content."""

    name: Name
    local: bool
    columns: tuple[ColumnShape, ...]
    references: tuple[ReferenceShape, ...]
    indexes: tuple[IndexShape, ...]


_SHAPES = TypeAdapter(tuple[TableShape, ...])


def is_local(table: Table) -> bool:
    """Whether a table's rows belong to this installation and are neither archived nor replaced."""
    return bool(table.info.get("local", False))


def content_tables(metadata: MetaData) -> list[Table]:
    """The tables whose rows an archive holds, referenced ones first; what is sealed in them stays sealed."""
    return [as_stored(table) for table in metadata.sorted_tables if not is_local(table)]


def content_places(metadata: MetaData) -> tuple[Place, ...]:
    """Where an archive has sealed texts."""
    return tuple(place for place in places(metadata) if not is_local(metadata.tables[place.table]))


def shapes_as_json(metadata: MetaData) -> bytes:
    """The shapes of all tables, local ones among them: a later migration may change those too."""
    return _SHAPES.dump_json(tuple(_shape(table) for table in metadata.sorted_tables), indent=1)


def tables_from_json(raw: bytes) -> MetaData:
    """Tables as an archive describes them; raises BackupError for anything that is no such description."""
    metadata = MetaData()
    try:
        for shape in _SHAPES.validate_json(raw, strict=True):
            _table(shape, metadata)
        ordered = metadata.sorted_tables  # raises when a table refers to one that is not there
    except (ValueError, KeyError, SQLAlchemyError) as error:
        raise BackupError(f"the description of the tables: {error}", text_key="backup.error.damaged") from error
    if len({table.name for table in ordered} - {"migrations"}) != len(metadata.tables):
        raise BackupError("the description of the tables", text_key="backup.error.damaged")
    return metadata


def encoder(table: Table) -> Callable[[Sequence[Any]], bytes]:
    """Writes a row, in the order of the columns, as one line of JSON."""
    writers = [_WRITERS.get(_kind(column)) for column in table.columns]

    def encode(row: Sequence[Any]) -> bytes:
        cells = [
            writer(value) if writer and value is not None else value for writer, value in zip(writers, row, strict=True)
        ]
        return json.dumps(cells, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"

    return encode


def decoder(table: Table) -> Callable[[bytes], dict[str, Any]]:
    """Reads such a line; raises ValueError (or a kind of it) for anything that `encoder` would not have written."""
    columns = [(column.name, _READERS[_kind(column)], bool(column.nullable)) for column in table.columns]

    def decode(line: bytes) -> dict[str, Any]:
        cells = json.loads(line)
        if type(cells) is not list or len(cells) != len(columns):
            raise ValueError("a row of the wrong length")
        return {
            name: _cell(value, read, nullable) for value, (name, read, nullable) in zip(cells, columns, strict=True)
        }

    return decode


def _cell(value: Any, read: Callable[[Any], Any], nullable: bool) -> Any:
    if value is None:
        if not nullable:
            raise ValueError("an empty cell where there must be none")
        return None
    return read(value)


def _read_text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("no text")
    value.encode()  # half a surrogate pair is a UnicodeEncodeError, which is a ValueError
    return value


def _read_integer(value: Any) -> int:
    if type(value) is not int or value not in _INTEGERS:
        raise ValueError("no integer")
    return value


def _read_boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("neither true nor false")
    return value


def _read_float(value: Any) -> float:
    if type(value) is str:
        return _UNUSUAL[value] if value in _UNUSUAL else _read_float(None)
    if type(value) not in (int, float):
        raise ValueError("no number")
    return float(value)


def _read_binary(value: Any) -> bytes:
    if type(value) is not str:
        raise ValueError("no base64")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error


def _write_float(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _write_binary(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


_WRITERS: Mapping[Kind, Callable[[Any], Any]] = {"float": _write_float, "binary": _write_binary}
_READERS: Mapping[Kind, Callable[[Any], Any]] = {
    "boolean": _read_boolean,
    "integer": _read_integer,
    "big_integer": _read_integer,
    "float": _read_float,
    "binary": _read_binary,
    "json": lambda value: value,
    "text": _read_text,
    "string": _read_text,
}


def _kind(column: Column[Any]) -> Kind:
    for type_, kind in _KINDS:
        if isinstance(column.type, type_):
            return kind
    raise TypeError(f"no archive can hold {column!r}")


def _shape(table: Table) -> TableShape:
    return TableShape(
        table.name,
        is_local(table),
        tuple(_column_shape(column) for column in table.columns),
        tuple(_reference_shapes(table)),
        tuple(_index_shapes(table)),
    )


def _column_shape(column: Column[Any]) -> ColumnShape:
    default = getattr(column.server_default, "arg", None)
    if default is not None and not isinstance(default, str):
        default = str(default.compile(dialect=sqlite.dialect()))
    length = getattr(column.type, "length", None)
    return ColumnShape(column.name, _kind(column), length, bool(column.nullable), column.primary_key, default)


def _reference_shapes(table: Table) -> Iterable[ReferenceShape]:
    for key in sorted(table.foreign_key_constraints, key=lambda key: tuple(key.column_keys)):
        others = tuple(element.column.name for element in key.elements)
        yield ReferenceShape(tuple(key.column_keys), key.referred_table.name, others, key.ondelete == "CASCADE")


def _index_shapes(table: Table) -> Iterable[IndexShape]:
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield IndexShape(str(index.name), tuple(column.name for column in index.columns), bool(index.unique))
    unique = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    for columns in sorted(tuple(column.name for column in constraint.columns) for constraint in unique):
        yield IndexShape(None, columns, True)


def _table(shape: TableShape, metadata: MetaData) -> Table:
    parts: list[Any] = [_column(column) for column in shape.columns]
    for reference in shape.references:
        others = [f"{reference.table}.{name}" for name in reference.others]
        ondelete = "CASCADE" if reference.cascade else None
        parts.append(ForeignKeyConstraint(reference.columns, others, ondelete=ondelete))
    for index in shape.indexes:
        named = index.name is not None
        parts.append(
            Index(index.name, *index.columns, unique=index.unique) if named else UniqueConstraint(*index.columns)
        )
    return Table(shape.name, metadata, *parts, info={"local": shape.local})


def _column(shape: ColumnShape) -> Column[Any]:
    type_: TypeEngine[Any] = String(shape.length) if shape.kind == "string" else _TYPES[shape.kind]()
    return Column(shape.name, type_, nullable=shape.nullable, primary_key=shape.key, server_default=shape.default)


_TYPES: Mapping[str, Callable[[], TypeEngine[Any]]] = {kind: type_ for type_, kind in _KINDS}
