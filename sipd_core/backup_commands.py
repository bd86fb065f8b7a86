"""The commands `backup` and `restore` of the command line."""

import argparse
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from sipd_core.backup.environment import public_settings
from sipd_core.backup.progress import OnStep, Step, StepName
from sipd_core.backup.restoring import restore_stopped
from sipd_core.backup.shelf import alone
from sipd_core.backup.trial import TrialReport, try_restore
from sipd_core.backup.words import left_behind
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import number
from sipd_core.settings import Settings
from sipd_core.texts import text

Printed = tuple[dict[str, Any], str]


def add_arguments(backup: argparse.ArgumentParser, restore: argparse.ArgumentParser) -> None:
    """What the two commands take."""
    for command in (backup, restore):
        command.add_argument("file", type=Path, metavar="BERKAS")
    restore.add_argument("--test", action="store_true", help=text("backup.command.test"))
    restore.add_argument("--without-texts", action="store_true", help=text("backup.command.without_texts"))


def backup(options: argparse.Namespace, settings: Settings) -> Printed:
    """Make an archive, also beside a running console."""
    engine = BlockingEngine(settings, load_samples=False)
    try:
        engine.wait_until_prepared()
        record = engine.backups.make(text("people.command_line"), options.file)
        brought = engine.backups.keys_of(record.id).brought
    finally:
        engine.close()
    counts = dict(record.counts)
    told = {"file": record.file, "bytes": record.bytes, "rows": counts, "made_at": record.at.isoformat()}
    told |= {"brings_keys": brought}
    lines = [text("backup.command.made", file=record.file, cases=number(counts.get("cases")))]
    if told["brings_keys"]:
        lines.append(text("backup.keys.made"))
    return told, "\n".join(lines)


def restore(options: argparse.Namespace, settings: Settings) -> Printed:
    """Replace everything by an archive, or only see whether that could be done."""
    work = _test if options.test else _restore
    return work(options.file, settings, options.without_texts)


def _restore(path: Path, settings: Settings, without_texts: bool) -> Printed:
    actor = text("people.command_line")
    restored = restore_stopped(path, settings, actor, _reporter(), without_texts=without_texts)
    safety = str(settings.backup_folder / restored.safety.file) if restored.safety else None
    unsealed = restored.unsealed
    told = {"rows": restored.rows, "safety": safety, "damaged": restored.damaged, **asdict(unsealed)}
    lines = [text("backup.command.restored", rows=number(restored.rows))]
    if unsealed.own_keys:
        lines.append(text("backup.command.own_keys"))
    if unsealed.left.texts:
        lines.append(left_behind(unsealed.left))
    if safety:
        lines.append(text("backup.command.safety", file=safety))
    if restored.damaged:
        lines.append(text("backup.command.damaged", file=restored.damaged))
    return told, "\n".join(lines)


def _test(path: Path, settings: Settings, without_texts: bool) -> Printed:
    with alone(settings.sipd_data_dir):
        now = public_settings(settings)
        trying = partial(try_restore, path, settings, now, _reporter(), without_texts=without_texts)
        report = anyio.run(trying)
    told = {"passed": report.passed, **asdict(report)}
    return told | ({} if report.passed else {"failed": True}), "\n".join(_lines(report))


def _lines(report: TrialReport) -> list[str]:
    values = {"tables": number(report.tables), "rows": number(report.rows), "questions": number(report.questions)}
    lines = [text("backup.command.passed" if report.passed else "backup.command.failed", **values)]
    if report.unasked:
        lines.append(text("backup.tested.unasked"))
    if report.left.texts:
        lines.append(left_behind(report.left))
    for table in report.table_differences:
        lines.append(text("backup.command.table", **asdict(table)))
    for one in report.differences:
        found, expected = ", ".join(one.found), ", ".join(one.expected)
        lines.append(text("backup.command.question", question=one.question, found=found, expected=expected))
    return lines


def _reporter() -> OnStep:
    """Says on standard error what is being done, once for each part of the work."""
    said: set[StepName] = set()

    def step(now: Step) -> None:
        if now.name not in said:
            said.add(now.name)
            print(text(f"backup.step.{now.name}"), file=sys.stderr)

    return step
