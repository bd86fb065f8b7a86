"""What people said about the columns of files, remembered for the next file of the same shape."""

import json
import time
from collections.abc import Callable, Mapping

from sqlalchemy import delete, select

from sipd_core.store.database import Database
from sipd_core.store.schema import column_mappings
from sipd_core.tables import Choice, Column, Finding, Memory, sheet_key

_EVERY_SHEET = ""


class MappingStore:
    """Mappings by the fingerprint of the header cells; a sheet that is left out also by its name."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def memory(self) -> Memory:
        """Everything that is remembered; a field that a newer release knew is passed over."""
        with self._database.read() as connection:
            rows = connection.execute(select(column_mappings)).all()
        columns = {row.fingerprint: _columns(row.columns) for row in rows if row.sheet == _EVERY_SHEET}
        skipped = frozenset((row.fingerprint, row.sheet) for row in rows if row.sheet != _EVERY_SHEET)
        return Memory({key: named for key, named in columns.items() if Column.ISSUE in named}, skipped)

    def learn(self, finding: Finding, choice: Choice, actor: str) -> None:
        """Keep what a person said of a sheet for later files of the same shape; nothing of a sheet without headers."""
        if not finding.fingerprint:
            return
        if finding.layout and finding.layout.chosen and choice.columns:
            self.remember(finding.fingerprint, finding.layout.columns, actor)
        if choice.skip:
            self.skip(finding.fingerprint, sheet_key(finding.sheet), actor)
        elif choice.skip is False:
            self.read_again(finding.fingerprint, sheet_key(finding.sheet))

    def remember(self, fingerprint: str, columns: Mapping[Column, int], actor: str) -> None:
        """Read every sheet with these headers so from now on."""
        self._write(fingerprint, _EVERY_SHEET, {column.name: place for column, place in columns.items()}, actor)

    def skip(self, fingerprint: str, sheet: str, actor: str) -> None:
        """Leave the sheet of this name and shape out from now on."""
        self._write(fingerprint, sheet, {}, actor)

    def read_again(self, fingerprint: str, sheet: str) -> None:
        """Leave a sheet out no longer."""
        self._delete(fingerprint, sheet)

    def forget(self, fingerprint: str) -> None:
        """Read sheets with these headers by what the headers say."""
        self._delete(fingerprint, _EVERY_SHEET)

    def _write(self, fingerprint: str, sheet: str, columns: Mapping[str, int], actor: str) -> None:
        row = {"fingerprint": fingerprint, "sheet": sheet, "columns": json.dumps(columns), "actor": actor}
        with self._database.write() as connection:
            self._database.upsert(connection, column_mappings, [row | {"at": self._clock()}])

    def _delete(self, fingerprint: str, sheet: str) -> None:
        same = (column_mappings.c.fingerprint == fingerprint) & (column_mappings.c.sheet == sheet)
        with self._database.write() as connection:
            connection.execute(delete(column_mappings).where(same))


def _columns(stored: str) -> dict[Column, int]:
    return {Column[name]: place for name, place in json.loads(stored).items() if name in Column.__members__}
