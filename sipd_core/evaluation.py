"""Gold sets in, figures out: how well the console finds, abstains, reads and masks. Runs in a store of its own."""

import csv
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from sipd_core.chat.sentiment import label_of
from sipd_core.chat.turn import Turn, Verdict
from sipd_core.documents import case_id
from sipd_core.engine import Engine
from sipd_core.errors import SipdError
from sipd_core.privacy import mask
from sipd_core.scoring import (
    DEPTH,
    Abstention,
    Answered,
    Figures,
    RankingFigures,
    answered,
    figures,
    macro_f1,
)
from sipd_core.settings import Settings
from sipd_core.tables import read_table


@dataclass(frozen=True, slots=True)
class GoldSets:
    """Files to judge by; formats as in the README. Only `kb` and `queries` are needed."""

    kb: tuple[Path, ...]
    queries: Path
    oos: Path | None = None
    intents: Path | None = None
    sentiment: Path | None = None
    dialogues: Path | None = None
    pii: Path | None = None


async def evaluate(sets: GoldSets, settings: Settings) -> dict[str, Any]:
    """Every figure of the command line's `evaluate`; raises SipdError for a file that cannot be read."""
    with tempfile.TemporaryDirectory(prefix="sipd-evaluasi-", ignore_cleanup_errors=True) as folder:
        private = settings.model_copy(
            update={"sipd_data_dir": Path(folder), "database_url": SecretStr(""), "chroma_url": ""}
        )
        async with Engine(private, load_samples=False) as engine:
            for path in sets.kb:
                with path.open("rb") as file:
                    await engine.import_files([(path.name, file)])
            await engine.wait_until_indexed()
            return await _figures(sets, engine)


async def _figures(sets: GoldSets, engine: Engine) -> dict[str, Any]:
    gold = _gold_ids(sets.kb)
    queries = _rows(sets.queries)
    asked = [(row, {_gold_id(one, gold) for one in row["gold"].split("|")}) for row in queries if _is_inside(row)]
    foreign = [row for row in queries if not _is_inside(row)] + (_rows(sets.oos) if sets.oos else [])
    inside = [await _ask(engine, row, wanted) for row, wanted in asked]
    outside = [await _ask(engine, row, set()) for row in foreign]
    found = figures(inside, outside)
    told: dict[str, Any] = {"retrieval": _retrieval(found, inside)}
    if found.abstention:
        told["abstention"] = _abstention(found.abstention)
    if sets.intents:
        rows = _rows(sets.intents)
        read = [str(engine.reader.intent(row["text"], await _vector(engine, row["text"]))) for row in rows]
        told["intent"] = _classification([row["intent"] for row in rows], read)
    if sets.sentiment:
        rows = _rows(sets.sentiment)
        read = [label_of(engine.reader.sentiment(row["text"], await _vector(engine, row["text"]))) for row in rows]
        told["sentiment"] = _classification([row["label"] for row in rows], read)
    if sets.dialogues:
        told["escalation"] = await _escalation(engine, _lines(sets.dialogues))
    if sets.pii:
        told["pii"] = _masking(_lines(sets.pii))
    return told


def _is_inside(row: Mapping[str, str]) -> bool:
    """Whether some case is meant to answer the question."""
    return bool((row["gold"] or "").strip())


async def _ask(engine: Engine, row: Mapping[str, str], wanted: set[str]) -> Answered:
    started = time.perf_counter()
    result = await engine.search(row["query"], DEPTH)
    return answered(
        row.get("style", ""),
        wanted,
        [hit.case.id for hit in result.hits],
        relevance=result.relevance,
        found=result.verdict is not Verdict.NOT_FOUND,
        milliseconds=(time.perf_counter() - started) * 1000,
    )


def _retrieval(found: Figures, inside: Sequence[Answered]) -> dict[str, Any]:
    times = figures(inside)  # of the questions in scope alone, as ever
    return {
        **_ranking(found.ranking),
        "by_style": {style: _ranking(rows) for style, rows in found.by_style.items()},
        "p50_ms": _rounded(times.p50_ms, 1),
        "p95_ms": _rounded(times.p95_ms, 1),
    }


def _ranking(found: RankingFigures) -> dict[str, Any]:
    shares = {"hit@1": found.hit_1, "hit@3": found.hit_3, "mrr@10": found.mrr, "ndcg@10": found.ndcg}
    return {"n": found.n, **{name: _rounded(share) for name, share in shares.items()}}


def _abstention(found: Abstention) -> dict[str, Any]:
    return {
        "auroc": _rounded(found.auroc),
        "fpr_at_95_recall": _rounded(found.false_accepts_at_95),
        "not_found_rate_oos": _rounded(1 - found.false_accepts),
        "not_found_rate_in_scope": _rounded(found.false_refusals),
    }


async def _escalation(engine: Engine, dialogues: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Each user turn is asked in a conversation of its own dialogue; the truth is the turn's `escalate`."""
    pairs: list[tuple[bool, bool]] = []
    for dialogue in dialogues:
        session = engine.new_session_id()
        for said in dialogue["turns"]:
            turn = [part async for part in engine.answer(said["user"], session)][-1]
            assert isinstance(turn, Turn)
            pairs.append((bool(said["escalate"]), turn.should_escalate))
    right = sum(true and read for true, read in pairs)
    precision = right / max(sum(read for _, read in pairs), 1)
    recall = right / max(sum(true for true, _ in pairs), 1)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": _rounded(precision), "recall": _rounded(recall), "f1": _rounded(f1)}


def _masking(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    wanted = [secret in mask(row["text"]).text for row in rows for secret in row["mask"]]
    harmless = [mask(row["text"]).text != row["text"] for row in rows if row["harmless"]]
    return {
        "recall": _share(wanted.count(False), len(wanted)),
        "false_positive_rate": _share(sum(harmless), len(harmless)),
    }


def _classification(truth: Sequence[str], read: Sequence[str]) -> dict[str, Any]:
    right = sum(a == b for a, b in zip(truth, read, strict=True))
    return {"accuracy": _share(right, len(truth)), "macro_f1": _rounded(macro_f1(truth, read))}


def _gold_ids(files: Sequence[Path]) -> dict[str, str]:
    """Reference -> case id: `7` (0-based data row of the first file), `file:row` and `file:sheet:row` (1-based), or the id."""
    ids: dict[str, str] = {}
    for path in files:
        with path.open("rb") as file:
            table = read_table(path.name, file)
        seen: defaultdict[str | None, int] = defaultdict(int)
        for at, row in enumerate(table.rows):
            seen[row.sheet] += 1
            id_ = case_id(mask(row.menu.strip()).text, mask(row.issue.strip()).text)
            place = f"{row.sheet}:{seen[row.sheet]}" if row.sheet else str(seen[row.sheet])
            ids[f"{path.name}:{place}"] = ids[id_] = id_
            if path == files[0]:
                ids[str(at)] = id_
    return ids


def _gold_id(reference: str, gold: Mapping[str, str]) -> str:
    try:
        return gold[reference.strip()]
    except KeyError:
        raise SipdError(
            f"gold reference {reference!r}", text_key="errors.not_found", what=f"Baris {reference}"
        ) from None


async def _vector(engine: Engine, message: str) -> Any:
    return (await engine.base.search(message)).vector


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _share(part: float, whole: int) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)
