"""The process that test_kill.py kills: it looks at what it finds, then changes rows until it is no more.

Every word it says is what it is about to do, or what was acknowledged.
"""

import io
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import select

from sipd_core.backup.snapshot import UNFINISHED, check
from sipd_core.blocking import BlockingEngine
from sipd_core.documents import Case, ChangeKind
from sipd_core.knowledge.side import Side
from sipd_core.knowledge.views import case_of, view_id
from sipd_core.settings import load_settings
from sipd_core.store import history
from sipd_core.store.case_rows import cases_by_id
from sipd_core.store.cases import CaseStore
from sipd_core.store.schema import case_versions

ACTOR = "uji"
MOUTH: list[Connection] = []
"""Where this process speaks, once it runs."""
MATTERS = "gudang sawah kapal pasar jembatan sekolah puskesmas terminal hutan bendungan museum stadion".split()
POOL = [f"{matter} {number}" for matter in MATTERS for number in (11, 22, 33)]


def say(**facts: object) -> None:
    """One word that the killer hears; it is out of this process when this returns."""
    MOUTH[0].send(facts)


def inspect(engine: BlockingEngine, dice: random.Random) -> None:
    """SQL, the words and the vectors agree, nothing is half-done or there twice, and rows are found."""
    store, base = engine._engine.cases, engine._engine.base
    with store._database.read() as connection:
        ids = sorted(set(connection.execute(select(case_versions.c.case_id)).scalars()))
        now, live = cases_by_id(connection, ids), history.live_states(connection, ids)
    assert now == {id_: case for id_ in ids if (case := history.present(live.get(id_, []))) is not None}
    enabled = [case for case in store.all()]
    assert len({(case.menu, case.issue) for case in enabled}) == len(enabled)
    side = base.serving
    assert side is not None
    views, vectors = side.vectors_of([case.id for case in enabled])
    assert not (apart := _apart(store, side, views)), apart
    there = side.index.vectors(views)
    assert all(float(there[view] @ vector) > 0.999 for view, vector in zip(views, vectors, strict=True))
    assert {case for case, _, _ in store.all_views(side.name)} == {case.id for case in enabled}
    assert (len(base), base.version) == (len(enabled), store.version)
    assert base._snapshot.lexical.rows.row_of.keys() == {case.id for case in enabled}
    words = replace(base.retrieval, use_vectors=False)
    for case in dice.sample(enabled, min(2, len(enabled))):
        assert case.id in {hit.case.id for hit in engine.search(case.issue, 10).hits}, case.issue
        found = engine._portal.call(base.try_out, case.issue, words, 10)
        assert {one.case_id for one in found.ranking.cases} <= {one.id for one in enabled}
        assert case.id in {hit.case.id for hit in found.result.hits}, case.issue


def _apart(store: CaseStore, side: Side, with_vectors: list[str]) -> dict[str, object]:
    """Views that the index, the vectors of enabled rows and SQL's notes do not all hold: who does, and the row's past."""
    holders = {
        "index": side.index.ids(),
        "vectors": set(with_vectors),
        "read": {view_id(*view) for view in store.views(side.name)},
        "read and enabled": {view_id(case, at) for case, at, _ in store.all_views(side.name)},
    }
    by = {view: {who for who, held in holders.items() if view in held} for view in set().union(*holders.values())}
    return {view: (who, _past(store, case_of(view))) for view, who in by.items() if len(who) < len(holders)}


def _past(store: CaseStore, case_id: str) -> list[str]:
    """What happened to a row, newest first."""
    return [
        f"{'undone ' if version.change.undone_at else ''}{version.change.kind} at {version.change.at}:"
        f" {'gone' if version.case is None else 'on' if version.case.enabled else 'off'}"
        for version in store.history(case_id)
    ]


def inspect_archives(engine: BlockingEngine, folder: Path) -> None:
    """Every archive that looks whole is, and is on record once; what was being made or unpacked is gone."""
    deadline = time.monotonic() + 60
    while left := [*folder.glob("pemulihan-*"), *engine.backups.overview().folder.glob(f"{UNFINISHED}*")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    files = sorted(path.name for path in engine.backups.overview().folder.glob("*.zip"))
    while sorted(entry.record.file for entry in engine.backups.overview().entries if entry.path) != files:
        assert time.monotonic() < deadline, files
        time.sleep(0.05)
    for name in files:
        check(engine.backups.overview().folder / name, lambda _: None)


def state(engine: BlockingEngine) -> dict[str, bool]:
    """Every change, and whether it is undone."""
    return {change.id: change.undone_at is not None for change in engine.changes(100_000)}


def bring(engine: BlockingEngine, dice: random.Random) -> None:
    """Import a file of a few rows, some of them known."""
    rows = "".join(f"Menu,Kendala pada {one},Langkah {dice.randrange(4)} untuk {one}\n" for one in dice.sample(POOL, 6))
    name = f"log-{dice.randrange(10**9)}.csv"
    say(begin="import")
    report = engine.import_files([(name, io.BytesIO(f"MENU,ISSUE,SOLUSI\n{rows}".encode()))], ACTOR)[0]
    say(done="import", change=report.id)


def decide(engine: BlockingEngine, dice: random.Random) -> None:
    """Edit, switch off or delete a row."""
    rows = engine.cases(limit=1_000).cases
    if not rows:
        return
    case = dice.choice(rows)
    kind, to = dice.choice(
        [
            (ChangeKind.EDIT, replace(case, remedy=f"Cara {dice.randrange(10**6)}")),
            (ChangeKind.DISABLE, replace(case, enabled=not case.enabled)),
            (ChangeKind.DELETE, None),
        ]
    )
    states: dict[str, Case | None] = {case.id: to}
    say(begin=str(kind))
    say(done=str(kind), change=engine.change_cases(kind, states, actor=ACTOR).id)


def turn(engine: BlockingEngine, dice: random.Random) -> None:
    """Undo a change, or do an undone one again."""
    changes = engine.changes(100_000)
    if not changes:
        return
    change = dice.choice(changes)
    undone = change.undone_at is None
    say(begin="turn", change=change.id)
    (engine.undo_change if undone else engine.redo_change)(change.id, ACTOR)
    say(done="turn", change=change.id, undone=undone)


def save(engine: BlockingEngine, _dice: random.Random) -> None:
    """Make a backup."""
    say(begin="backup")
    say(done="backup", backup=engine.backups.make(ACTOR).id)


def main(folder: Path, seed: int, backups: list[str]) -> None:
    """Look, then work until killed; `backups` are those that were acknowledged."""
    dice = random.Random(seed)
    settings = load_settings(_env_file=None, sipd_data_dir=folder, backup_time="off")
    engine = BlockingEngine(settings, load_samples=False, console=True)
    engine.wait_until_prepared(240)
    engine.wait_until_indexed(240)
    inspect(engine, dice)
    inspect_archives(engine, folder)
    say(ready=state(engine), cases=engine.cases().total)
    if not backups:
        bring(engine, dice)
        save(engine, dice)
    work: list[Callable[[BlockingEngine, random.Random], None]] = [bring, bring, decide, decide, turn, turn, save]
    while True:
        if backups and dice.random() < 0.3:
            chosen = dice.choice(backups)
            say(begin="restore", backup=chosen)
            engine.backups._restore(engine.backups.path(chosen), chosen, ACTOR)
            say(done="restore", backup=chosen, state=state(engine))
        else:
            dice.choice(work)(engine, dice)


def run(mouth: Connection, log: Path, folder: Path, seed: int, backups: list[str]) -> None:
    """The whole life of a process: `mouth` is what it says, `log` where its errors go."""
    MOUTH.append(mouth)
    with log.open("a", encoding="utf-8") as file:
        os.dup2(file.fileno(), 2)
    main(folder, seed, backups)
