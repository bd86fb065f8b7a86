"""The command `rotate-key` of the command line: stored texts come under the newest data key."""

import argparse
import sys
import time
from typing import Any

from sipd_core.backup.restoring import open_database
from sipd_core.locale_id import number
from sipd_core.settings import Settings
from sipd_core.store.rotation import Rotation
from sipd_core.texts import text

Printed = tuple[dict[str, Any], str]
_EVERY_SECONDS = 1.0


def run(_options: argparse.Namespace, settings: Settings) -> Printed:
    """Works beside a running console; killed, it goes on when it is called again."""
    started = time.monotonic()
    database = open_database(settings)
    try:
        rotated = Rotation(database).run(_reporter(), actor=text("people.command_line"))
    finally:
        database.close()
    seconds = round(time.monotonic() - started, 1)
    told = {"key": rotated.key, "retired": list(rotated.retired), "texts": rotated.texts, "seconds": seconds}
    lines = [text("data_key.command.done", key=rotated.key, texts=number(rotated.texts))]
    if rotated.retired:
        lines.append(text("data_key.command.retired", ids=", ".join(rotated.retired)))
    return told, "\n".join(lines)


def _reporter():  # type: ignore[no-untyped-def]
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY_SECONDS or done == total:
            last = time.monotonic()
            print(text("data_key.command.progress", done=number(done), total=number(total)), file=sys.stderr)

    return report
