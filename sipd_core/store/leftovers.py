"""What deleting and sealing leave behind in the database's files is overwritten or given back.

SQLite keeps old pages in its file and its log, PostgreSQL old rows in its tables. SQLite's connections overwrite what they
free (`secure_delete`); the log is emptied here, and the file written anew where it held texts before they were sealed.
"""

import logging
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from sipd_core.store import schema
from sipd_core.store.resealing import places

log = logging.getLogger(__name__)

_PATIENCE_MS = 1_000
"""Who waits for readers to end holds up whoever writes; a log that is not emptied now is overwritten as it is used on."""


def wipe(engine: Engine, *, whole: bool) -> bool:
    """Let nothing deleted be readable in the files; `whole`: write everything anew, which takes as much room again.

    False when that could not be done now: somebody reads, or there is no room. Nothing is lost then.
    """
    try:
        return _wipe_sqlite(engine, whole) if engine.dialect.name == "sqlite" else _wipe_postgresql(engine, whole)
    except (SQLAlchemyError, _driver_error(engine)) as error:
        log.warning("what was deleted could not be overwritten yet: %s", error)
        return False


def _driver_error(engine: Engine) -> type[Exception]:
    error: type[Exception] = engine.dialect.dbapi.Error  # type: ignore[union-attr]
    return error


def _wipe_sqlite(engine: Engine, whole: bool) -> bool:
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        if whole:
            cursor.execute("PRAGMA temp_store=FILE")  # a base need not fit into memory; what is written is sealed
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA temp_store=MEMORY")
        else:
            before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
            cursor.execute(f"PRAGMA busy_timeout={_PATIENCE_MS}")
        busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if not whole:
            cursor.execute(f"PRAGMA busy_timeout={before}")
        return not busy
    finally:
        raw.close()


def _wipe_postgresql(engine: Engine, whole: bool) -> bool:
    how: Any = "VACUUM FULL" if whole else "VACUUM"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in (*(place.table for place in places(schema.metadata)), schema.conversation_words.name):
            connection.exec_driver_sql(f'{how} "{name}"')
    return True
