"""The command line over the engine: for people, cron, tests and benchmarks.

`--json` prints exactly one JSON object on standard output; progress and logs go to standard error. Exit status 0, 1 (it
failed, one clear line) or 2 (usage).
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anyio
from pydantic import SecretStr

from sipd_core import audit_commands, backup_commands, key_commands, people_commands, rotation_command
from sipd_core.blocking import BlockingEngine
from sipd_core.deeds import COMMAND_LINE, Deed, DeedKind, Source, acting_as
from sipd_core.documents import ImportReport, ImportStatus
from sipd_core.errors import SipdError
from sipd_core.evaluation import GoldSets, evaluate
from sipd_core.locale_id import number
from sipd_core.logs import configure_logging
from sipd_core.privacy import mask
from sipd_core.settings import Settings, load_settings
from sipd_core.texts import text
from sipd_core.wire import as_json, chat_reply, cost_reply, source_reply, stats_reply

Printed = tuple[dict[str, Any], str]
"""The JSON object and the same for people."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings()
        configure_logging(verbose=settings.enable_debug_logging, usage=False)
        run: Callable[[argparse.Namespace, Settings], Printed] = options.run
        with acting_as(Source(COMMAND_LINE, actor=text("people.command_line"))):
            as_json, for_people = run(options, settings)
    except SipdError as error:
        print(error.user_text, file=sys.stderr)
        return 1
    except OSError as error:
        print(text("cli.cannot_read", path=error.filename or "", reason=error.strerror or ""), file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(as_json, ensure_ascii=False, default=str))
    elif for_people:
        print(for_people)
    return 1 if as_json.get("failed") else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sipd_core", description=text("cli.about"))
    commands = parser.add_subparsers(required=True, metavar="PERINTAH")

    def command(name: str, run: Callable[[argparse.Namespace, Settings], Printed]) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text(f"cli.{name}"), description=text(f"cli.{name}"))
        made.add_argument("--json", action="store_true", help=text("cli.json"))
        made.set_defaults(run=run)
        return made

    index = command("index", _index)
    index.add_argument("files", nargs="+", type=Path, metavar="BERKAS")
    index.add_argument("--dry-run", action="store_true", help=text("cli.dry_run"))
    ask = command("ask", _ask)
    ask.add_argument("text", metavar="TEKS")
    ask.add_argument("--session", metavar="ID", help=text("cli.session"))
    search = command("search", _search)
    search.add_argument("text", metavar="TEKS")
    search.add_argument("--top-k", type=_positive, metavar="N", help=text("cli.top_k"))
    measured = command("evaluate", _evaluate)
    measured.add_argument("--kb", nargs="+", type=Path, required=True, metavar="BERKAS")
    measured.add_argument("--queries", type=Path, required=True, metavar="BERKAS")
    for name in ("oos", "intents", "sentiment", "dialogues", "pii"):
        measured.add_argument(f"--{name}", type=Path, metavar="BERKAS")
    command("mask", _mask)
    command("rows", _rows).add_argument("--export", type=Path, metavar="BERKAS", help=text("cli.export"))
    command("imports", _imports)
    command("undo", _undo).add_argument("import_id", metavar="ID", help=text("cli.import_id"))
    command("usage", _usage).add_argument("--days", type=_positive, default=30, metavar="N", help=text("cli.days"))
    command("stats", _stats)
    backup_commands.add_arguments(
        command("backup", backup_commands.backup), command("restore", backup_commands.restore)
    )
    key_commands.add_arguments(command("keys", key_commands.run))
    people_commands.add_arguments(command("people", people_commands.run))
    audit_commands.add_arguments(command("audit", audit_commands.run))
    command("rotate-key", rotation_command.run)
    command("vectors", _vectors)
    return parser


def _positive(value: str) -> int:
    number = int(value) if value.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(text("cli.positive", value=value))
    return number


@contextmanager
def _engine(settings: Settings, *, prepared: bool = True) -> Iterator[BlockingEngine]:
    engine = BlockingEngine(settings, load_samples=False)
    try:
        if prepared:
            engine.wait_until_prepared()
        yield engine
    finally:
        engine.close()


def _index(options: argparse.Namespace, settings: Settings) -> Printed:
    started = time.perf_counter()
    for path in options.files:
        path.open("rb").close()  # a name that is wrong is said at once, before any model is loaded
    with _engine(settings) as engine:
        reports = [_import(engine, path, dry_run=options.dry_run) for path in options.files]
        if not options.dry_run:
            _wait_with_progress(engine)
        status, embedded = engine.status(), engine.embedded_texts()
    failed = any(report.status is ImportStatus.FAILED for report in reports)
    printed = {
        "files": [_report(report) for report in reports],
        "documents": status.cases,
        "seconds": round(time.perf_counter() - started, 3),
        "embedded_texts": embedded,
    }
    return printed | ({"failed": True} if failed else {}), "\n".join(_report_line(report) for report in reports)


def _import(engine: BlockingEngine, path: Path, *, dry_run: bool) -> ImportReport:
    with path.open("rb") as file:
        return (
            engine.preview(path.name, file)
            if dry_run
            else engine.import_files([(path.name, file)], text("people.command_line"))[0]
        )


def _wait_with_progress(engine: BlockingEngine) -> None:
    """Report to standard error until every stored row has its vectors."""
    while True:
        try:
            engine.wait_until_indexed(timeout=1.0)
        except TimeoutError:
            progress = engine.indexing()
            print(text("cli.progress", done=progress.done, total=progress.total), file=sys.stderr)
        else:
            return


def _report(report: ImportReport) -> dict[str, Any]:
    counts = ("file", "accepted", "rejected", "duplicates", "unchanged", "kept", "changed", "masked")
    told = {name: getattr(report, name) for name in counts}
    reasons = [asdict(reason) for reason in report.reasons]
    return told | {"reasons": reasons, "notices": list(report.notices), "error": report.error}


def _report_line(report: ImportReport) -> str:
    if report.error:
        return f"{report.file}: {report.error}"
    reasons = [text("cli.reason", row=reason.row, reason=reason.reason) for reason in report.reasons]
    return "\n".join([text("cli.report", **_report(report)), *reasons])


def _ask(options: argparse.Namespace, settings: Settings) -> Printed:
    with _engine(settings) as engine:
        turn = engine.ask(options.text, options.session or engine.new_session_id())
    return as_json(chat_reply(turn)), turn.response


def _search(options: argparse.Namespace, settings: Settings) -> Printed:
    with _engine(settings) as engine:
        result = engine.search(options.text, options.top_k)
    scores = [{"vector": round(hit.vector, 4), "lexical": round(hit.lexical, 4)} for hit in result.hits]
    hits = [as_json(source_reply(hit)) | score for hit, score in zip(result.hits, scores, strict=True)]
    lines = [f"{hit['relevance']:.2f}  {hit['menu']} — {hit['issue']} ({hit['file']}:{hit['row']})" for hit in hits]
    return {"hits": hits, "verdict": result.verdict, "relevance": round(result.relevance, 4)}, "\n".join(lines)


def _evaluate(options: argparse.Namespace, settings: Settings) -> Printed:
    sets = GoldSets(tuple(options.kb), options.queries, *_optional_sets(options))
    figures = anyio.run(evaluate, sets, settings)
    return figures, json.dumps(figures, indent=2, ensure_ascii=False)


def _optional_sets(options: argparse.Namespace) -> list[Path | None]:
    return [getattr(options, name) for name in ("oos", "intents", "sentiment", "dialogues", "pii")]


def _mask(options: argparse.Namespace, settings: Settings) -> Printed:
    masked = mask(sys.stdin.read())
    if not options.json:
        sys.stdout.write(masked.text)
    return {"text": masked.text, "counts": dict(masked.counts)}, ""


def _rows(options: argparse.Namespace, settings: Settings) -> Printed:
    with _engine(settings, prepared=False) as engine:
        page = engine.cases(limit=1_000_000)
        if options.export:
            engine.audit.record(Deed(DeedKind.EXPORT, options.export.name, details={"rows": page.total}))
            options.export.write_bytes(engine.export_rows())
    rows = [asdict(case) for case in page.cases]
    lines = [f"{case.file}:{case.row}  {case.menu} — {case.issue}" for case in page.cases]
    done = text("cli.exported", n=page.total, path=options.export) if options.export else "\n".join(lines)
    return {"rows": rows, "total": page.total}, done


def _imports(options: argparse.Namespace, settings: Settings) -> Printed:
    with _engine(settings, prepared=False) as engine:
        reports = engine.imports(1_000)
    listed = [
        _report(report) | {"id": report.id, "at": report.at.isoformat(), "status": report.status, "actor": report.actor}
        for report in reports
    ]
    return {"imports": listed}, "\n".join(_report_line(report) for report in reports)


def _undo(options: argparse.Namespace, settings: Settings) -> Printed:
    with _engine(settings, prepared=False) as engine:
        effect = engine.undo_effect(options.import_id)
        undone = engine.undo_change(options.import_id, text("people.command_line"))
    figures = asdict(effect)
    said = text("cli.undone", file=undone.note, **{name: number(n) for name, n in figures.items()})
    return {"undone": undone.id} | figures, said


def _usage(options: argparse.Namespace, settings: Settings) -> Printed:
    with _engine(settings, prepared=False) as engine:
        report = engine.costs(options.days)
    lines = [
        text(
            "cli.usage_line",
            day=t.day,
            operation=t.operation,
            model=t.model,
            calls=t.calls,
            tokens=t.tokens,
            cost=text("cost.unknown.price") if t.unknown_price_calls == t.calls else f"{t.cost_usd:f} USD",
        )
        for t in report.totals
    ]
    return as_json(cost_reply(report)), "\n".join(lines) or text("cli.usage_empty")


def _stats(options: argparse.Namespace, settings: Settings) -> Printed:
    with _engine(settings) as engine:
        told = as_json(stats_reply(engine))
    return told, json.dumps(told, indent=2, ensure_ascii=False)


def _vectors(options: argparse.Namespace, settings: Settings) -> Printed:
    """Made in a store of its own, so that nothing of a real base can get into the product."""
    with tempfile.TemporaryDirectory(prefix="sipd-vektor-", ignore_cleanup_errors=True) as folder:
        private = settings.model_copy(
            update={"sipd_data_dir": Path(folder), "database_url": SecretStr(""), "chroma_url": ""}
        )
        engine = BlockingEngine(private)
        count = engine.write_shipped_vectors()
        engine.close()
    return {"vectors": count}, text("cli.vectors_done", n=count)
