"""Rows that were not taken, kept masked beside the report of their import, so that they can be fetched later."""

import json

from sqlalchemy import Connection, insert, select

from sipd_core.documents import RejectedRow, RejectedRows
from sipd_core.store.database import Database
from sipd_core.store.schema import rejected_headings, rejected_rows


class RejectionStore:
    """Reads them back; they are written with the import, in its transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, import_id: str) -> RejectedRows:
        """The rows of one import, in the order of the file; none for imports of earlier releases."""
        headings = select(rejected_headings.c.headers).where(rejected_headings.c.import_id == import_id)
        rows = select(rejected_rows).where(rejected_rows.c.import_id == import_id)
        with self._database.read() as connection:
            above = connection.execute(headings.order_by(rejected_headings.c.place)).scalars().all()
            found = connection.execute(rows.order_by(rejected_rows.c.position)).all()
        return RejectedRows(
            tuple(tuple(json.loads(headers)) for headers in above),
            tuple(
                RejectedRow(row.row, row.reason, row.sheet, row.heading, tuple(json.loads(row.cells))) for row in found
            ),
        )


def keep_rejected(connection: Connection, import_id: str, rejected: RejectedRows) -> None:
    """Write the rows that an import did not take."""
    if not rejected.rows:
        return
    above = [
        {"import_id": import_id, "place": place, "headers": _json(headers)}
        for place, headers in enumerate(rejected.headings)
    ]
    rows = [
        {"import_id": import_id, "position": position, "heading": row.heading, "sheet": row.sheet, "row": row.row}
        | {"reason": row.reason, "cells": _json(row.cells)}
        for position, row in enumerate(rejected.rows)
    ]
    if above:
        connection.execute(insert(rejected_headings), above)
    connection.execute(insert(rejected_rows), rows)


def _json(cells: tuple[str, ...]) -> str:
    return json.dumps(cells, ensure_ascii=False)
