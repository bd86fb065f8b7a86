"""How often an approved answer would be served to a question it was not approved for, and to one it was, asked otherwise.

Every two of the gold questions, the out-of-scope ones and the complaints of the rows themselves (and of the development
set beside this checkout, where it is) are held against each other. Those told again come from `complaints.py`.
"""

import csv
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import anyio
import numpy as np
from numpy.typing import NDArray

from sipd_core.chat.sameness import NEAR, Asked, asked, is_same, may_be_same
from sipd_core.embeddings.local import LocalEmbedder
from sipd_core.knowledge.base import as_embedded
from sipd_core.settings import SHIPPED_DATA
from tests.benchmarks.complaints import complaints
from tests.conftest import EVAL

RETOLD, EACH = 3_000, 6
_COSINES = 400


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what it is about: two with a common one of these may be the same."""

    text: str
    about: frozenset[str]


def questions() -> tuple[Question, ...]:
    """All that people ask in the gold sets, with the row that answers it; a row's own complaint is about that row."""
    found = [*_asked(SHIPPED_DATA / "gold" / "questions.csv", "own"), *_alone(SHIPPED_DATA / "gold" / "out_of_scope.csv")]
    if EVAL.is_dir():
        found += [*_asked(EVAL / "queries.csv", "eval"), *_alone(EVAL / "oos.csv"), *_rows(EVAL / "kb.csv", "eval", 0)]
    for path in sorted((SHIPPED_DATA / "contoh").glob("*.csv")):
        found += _rows(path, f"own:{path.name}", 2)
    return tuple(found)


def run() -> None:
    """Print false matches, matches among paraphrases, matches among complaints told again, and what a look-up takes."""
    taken = [(one, asked(one.text)) for one in questions()]
    false = paraphrased = pairs = 0
    for (one, mine), (other, theirs) in combinations(taken, 2):
        pairs += 1
        if is_same(mine, theirs) or may_be_same(mine, theirs):
            same = bool(one.about & other.about)
            paraphrased += same
            false += not same
            print(f"  {'same' if same else 'FALSE'}: {one.text[:70]!r} / {other.text[:70]!r}")
    print(f"{len(taken)} questions, {pairs} pairs: {false} false matches, {paraphrased} of paraphrases (words differ)")
    _told_again()
    _cosines([one.text for one, _ in taken[:_COSINES]])
    _look_up([mine for _, mine in taken])


def _told_again() -> None:
    by_origin: dict[int, list[Asked]] = defaultdict(list)
    for complaint in complaints(RETOLD):
        if len(by_origin[complaint.origin]) < EACH:
            by_origin[complaint.origin].append(asked(complaint.case.issue))
    pairs = [pair for group in by_origin.values() for pair in combinations(group, 2)]
    same = [(a, b) for a, b in pairs if may_be_same(a, b)]
    firsts = [group[0] for group in by_origin.values()]
    false = sum(may_be_same(a, b) for a, b in combinations(firsts, 2))
    print(f"told again by other offices, with typing errors: {len(same)} of {len(pairs)} pairs met, {false} of others")
    one, other = (_vectors([pair[side].text for pair in same]) for side in (0, 1))
    cosines = np.sort(np.einsum("ij,ij->i", one, other))
    print(f"  their cosines: least {cosines[0]:.3f}, median {np.median(cosines):.3f}, below {NEAR}: {sum(cosines < NEAR)}")


def _cosines(texts: Sequence[str]) -> None:
    """What the model alone would say: why it is asked only where the words agree."""
    vectors = _vectors(texts)
    cosines = (vectors @ vectors.T)[np.triu_indices(len(texts), 1)]
    shares = "  ".join(f">{bar:.2f}: {np.mean(cosines > bar):.4%}" for bar in (0.85, 0.90, NEAR, 0.96))
    print(f"cosines of {len(cosines)} pairs of different questions: median {np.median(cosines):.3f}  {shares}")


def _vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Shape (texts, dimension), as the console embeds questions."""

    async def embed() -> NDArray[np.float32]:
        made = LocalEmbedder(threads=1, max_tokens=512)
        return np.asarray(await made.embed_queries([as_embedded(text) for text in texts]), np.float32)

    return anyio.run(embed)


def _look_up(kept: Sequence[Asked]) -> None:
    many = [*kept] * 5
    started = time.perf_counter()
    for _ in range(20):
        wanted = asked("SP2D belum cair padahal SPM sudah final")
        [one for one in many if is_same(wanted, one) or may_be_same(wanted, one)]
    print(f"one question against {len(many)} approved answers: {(time.perf_counter() - started) * 50:.2f} ms")


def _asked(path: Path, source: str) -> Iterator[Question]:
    for row in _read(path):
        yield Question(row["query"], frozenset(f"{source}:{gold}" for gold in row["gold"].split("|")))


def _alone(path: Path) -> Iterator[Question]:
    for row in _read(path):
        yield Question(row["query"], frozenset())


def _rows(path: Path, source: str, first: int) -> Iterator[Question]:
    for at, row in enumerate(_read(path), start=first):
        issue = next((row[name] for name in ("ISSUE", "MASALAH", "ADUAN", "KENDALA") if row.get(name)), "")
        if issue:
            yield Question(issue, frozenset((f"{source}:{at}",)))


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
