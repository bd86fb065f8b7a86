"""Gold sets in, figures out: how well the console finds, abstains, reads and masks. Runs in a store of its own."""

import csv
import json
import math
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
from sipd_core.metrics import percentile
from sipd_core.privacy import mask
from sipd_core.settings import Settings
from sipd_core.tables import read_table

DEPTH = 10
"""Hits looked at: MRR@10 and nDCG@10."""


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


@dataclass(frozen=True, slots=True)
class Answered:
    """One gold question: the rank of its first right case (None: not among the first ten), its gain and its time."""

    style: str
    rank: int | None
    ndcg: float
    relevance: float
    found: bool
    milliseconds: float


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
    answered = [await _ask(engine, row, gold) for row in _rows(sets.queries)]
    figures: dict[str, Any] = {"retrieval": _retrieval(answered)}
    if sets.oos:
        figures["abstention"] = await _abstention(engine, answered, _rows(sets.oos))
    if sets.intents:
        rows = _rows(sets.intents)
        read = [str(engine.reader.intent(row["text"], await _vector(engine, row["text"]))) for row in rows]
        figures["intent"] = _classification([row["intent"] for row in rows], read)
    if sets.sentiment:
        rows = _rows(sets.sentiment)
        read = [label_of(engine.reader.sentiment(row["text"], await _vector(engine, row["text"]))) for row in rows]
        figures["sentiment"] = _classification([row["label"] for row in rows], read)
    if sets.dialogues:
        figures["escalation"] = await _escalation(engine, _lines(sets.dialogues))
    if sets.pii:
        figures["pii"] = _masking(_lines(sets.pii))
    return figures


async def _ask(engine: Engine, row: Mapping[str, str], gold: Mapping[str, str]) -> Answered:
    wanted = {_gold_id(reference, gold) for reference in row["gold"].split("|")}
    started = time.perf_counter()
    result = await engine.search(row["query"], DEPTH)
    elapsed = (time.perf_counter() - started) * 1000
    ranks = [at for at, hit in enumerate(result.hits, start=1) if hit.case.id in wanted]
    ideal = sum(1 / math.log2(at + 1) for at in range(1, min(len(wanted), DEPTH) + 1))
    gain = sum(1 / math.log2(at + 1) for at in ranks) / ideal
    found = result.verdict is not Verdict.NOT_FOUND
    return Answered(row.get("style", ""), ranks[0] if ranks else None, gain, result.relevance, found, elapsed)


def _retrieval(answered: Sequence[Answered]) -> dict[str, Any]:
    styles: defaultdict[str, list[Answered]] = defaultdict(list)
    for one in answered:
        styles[one.style].append(one)
    times = [one.milliseconds for one in answered]
    return {
        **_ranking(answered),
        "by_style": {style: _ranking(rows) for style, rows in sorted(styles.items())},
        "p50_ms": _rounded(percentile(times, 0.5), 1),
        "p95_ms": _rounded(percentile(times, 0.95), 1),
    }


def _ranking(answered: Sequence[Answered]) -> dict[str, Any]:
    n = len(answered)
    reciprocal = sum(1 / one.rank for one in answered if one.rank)
    return {
        "n": n,
        "hit@1": _share(sum(one.rank == 1 for one in answered), n),
        "hit@3": _share(sum(one.rank is not None and one.rank <= 3 for one in answered), n),
        "mrr@10": _share(reciprocal, n),
        "ndcg@10": _share(sum(one.ndcg for one in answered), n),
    }


async def _abstention(
    engine: Engine, inside: Sequence[Answered], outside: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    results = [await engine.search(row["query"], DEPTH) for row in outside]
    scores_in, scores_out = [one.relevance for one in inside], [result.relevance for result in results]
    refused = sum(result.verdict is Verdict.NOT_FOUND for result in results)
    return {
        "auroc": _rounded(auroc(scores_in, scores_out)),
        "fpr_at_95_recall": _rounded(false_positives_at(scores_in, scores_out, 0.95)),
        "not_found_rate_oos": _share(refused, len(results)),
        "not_found_rate_in_scope": _share(sum(not one.found for one in inside), len(inside)),
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


def macro_f1(truth: Sequence[str], read: Sequence[str]) -> float:
    """Mean over the classes of the truth of F1 = 2 TP / (2 TP + FP + FN)."""
    pairs = list(zip(truth, read, strict=True))
    scores = []
    for name in sorted(set(truth)):
        hits = sum(a == b == name for a, b in pairs)
        wrong = sum((a == name) != (b == name) for a, b in pairs)
        scores.append(2 * hits / (2 * hits + wrong) if hits else 0.0)
    return sum(scores) / len(scores)


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Probability that a positive scores above a negative, ties counting half (Mann-Whitney U over its maximum)."""
    wins = sum((p > n) + 0.5 * (p == n) for p in positives for n in negatives)
    return wins / (len(positives) * len(negatives))


def false_positives_at(positives: Sequence[float], negatives: Sequence[float], recall: float) -> float:
    """Share of negatives accepted at the highest threshold that accepts `recall` of the positives."""
    threshold = sorted(positives, reverse=True)[math.ceil(recall * len(positives)) - 1]
    return sum(score >= threshold for score in negatives) / len(negatives)


def _gold_ids(files: Sequence[Path]) -> dict[str, str]:
    """Reference -> case id: `7` (0-based data row of the first file) or `file:row` and `file:sheet:row` (1-based)."""
    ids: dict[str, str] = {}
    for path in files:
        with path.open("rb") as file:
            table = read_table(path.name, file)
        seen: defaultdict[str | None, int] = defaultdict(int)
        for at, row in enumerate(table.rows):
            seen[row.sheet] += 1
            id_ = case_id(mask(row.menu.strip()).text, mask(row.issue.strip()).text)
            place = f"{row.sheet}:{seen[row.sheet]}" if row.sheet else str(seen[row.sheet])
            ids[f"{path.name}:{place}"] = id_
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
