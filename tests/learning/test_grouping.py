"""Questions of one matter are found among many, whatever order they come in; matters that look alike stay apart."""

import csv
from itertools import combinations
from pathlib import Path

import anyio
import numpy as np
import pytest

from sipd_core.embeddings.local import LocalEmbedder
from sipd_core.knowledge.calibration import Calibration, fit, training_texts
from sipd_core.knowledge.relevance import prepare
from sipd_core.learning.grouping import Asked, Groups, asked, grouped, settled
from sipd_core.learning.scope import of_the_field
from sipd_core.settings import SHIPPED_DATA

QUESTIONS = Path(__file__).parent / "data" / "questions.csv"
PRECISION, RECALL = 0.99, 0.90
"""Of pairs that were put together, the share of one matter; of pairs of one matter, the share put together."""


def rows() -> list[tuple[str, str]]:
    with QUESTIONS.open(encoding="utf-8") as file:
        return [(row["topic"], row["question"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def embedder() -> LocalEmbedder:
    return LocalEmbedder(threads=2, max_tokens=512)


async def read(embedder: LocalEmbedder, texts: list[str]) -> np.ndarray:
    return np.asarray(await embedder.embed_queries([prepare(text).embedded for text in texts]))


@pytest.fixture(scope="module")
def calibration(embedder: LocalEmbedder) -> Calibration:
    """What a console without rows of its own knows of questions of the field."""

    training = training_texts(())

    async def vectors() -> np.ndarray:
        return np.asarray(await embedder.embed_queries(list(training.queries)))

    found = anyio.run(vectors)
    return fit(training, ["a:1"], found[:1], found)


@pytest.fixture(scope="module")
def questions(embedder: LocalEmbedder, calibration: Calibration) -> list[Asked]:

    texts = [text for _, text in rows()]
    vectors = anyio.run(read, embedder, texts)
    mean = np.asarray(calibration.mean_query, np.float32)
    return [asked(str(at), text, vector, mean) for at, (text, vector) in enumerate(zip(texts, vectors, strict=True))]


def quality(home: dict[str, int]) -> tuple[float, float]:
    topics = [topic for topic, _ in rows()]
    pairs = list(combinations(range(len(topics)), 2))
    one = [topics[a] == topics[b] for a, b in pairs]
    put = [home[str(a)] == home[str(b)] for a, b in pairs]
    both = sum(a and b for a, b in zip(one, put, strict=True))
    return both / max(sum(put), 1), both / sum(one)


def homes(groups: list[list[Asked]]) -> dict[str, int]:
    return {question.id: at for at, group in enumerate(groups) for question in group}


def test_questions_of_one_matter_come_together(questions: list[Asked]) -> None:
    precision, recall = quality(homes(grouped(questions)))
    assert precision >= PRECISION and recall >= RECALL, (precision, recall)


def test_one_after_the_other_they_come_to_the_same_gaps(questions: list[Asked]) -> None:
    groups: dict[int, list[Asked]] = {}
    home: dict[str, int] = {}
    for question in reversed(questions):
        found = Groups(groups).home(question)
        goal = len(groups) + 1 if found is None else found
        groups.setdefault(goal, []).append(question)
        home[question.id] = goal
    precision, recall = quality(home)
    assert precision >= PRECISION and recall >= RECALL - 0.05, (precision, recall)


def test_without_vectors_words_do_with_less_found_and_nothing_mixed_up(questions: list[Asked]) -> None:
    bare = [asked(str(at), text, None, None) for at, (_, text) in enumerate(rows())]
    precision, recall = quality(homes(grouped(bare)))
    assert precision >= PRECISION and recall >= 0.7, (precision, recall)
    mixed = [one if at % 2 else other for at, (one, other) in enumerate(zip(questions, bare, strict=True))]
    precision, recall = quality(homes(grouped(mixed)))
    assert precision >= PRECISION, (precision, recall)


def test_the_first_of_a_group_names_it(questions: list[Asked]) -> None:
    texts = [text for _, text in rows()]
    for group in grouped(questions):
        assert 10 < len(texts[int(group[0].id)]) < 240


def test_groups_keep_their_numbers_when_they_are_made_anew() -> None:
    before = {"a": 1, "b": 1, "c": 1, "d": 2, "e": 3}
    found = settled([["a", "b", "d"], ["c", "e"], ["f"]], before)
    assert [number for number, _ in found] == [1, 3, None]
    assert [number for number, _ in settled([["a"], ["b", "c"]], before)] == [None, 1], "the larger part keeps it"
    assert grouped([]) == [] and settled([], before) == []


def test_questions_of_the_field_are_let_in_and_chatter_is_not(
    embedder: LocalEmbedder, calibration: Calibration
) -> None:

    texts = [text for _, text in rows()]
    with (SHIPPED_DATA / "gold" / "out_of_scope.csv").open(encoding="utf-8") as file:
        kinds = {row["query"]: row["kind"] for row in csv.DictReader(file)}
    chatter = [text for text, kind in kinds.items() if kind in ("small_talk", "general_knowledge", "gibberish")]
    assert len(chatter) >= 10
    vectors = anyio.run(read, embedder, [*texts, *chatter])
    judged = [of_the_field(calibration, text, one) for text, one in zip([*texts, *chatter], vectors, strict=True)]
    assert sum(judged[: len(texts)]) / len(texts) >= 0.95, "on a base without rows; with some it is .99"
    assert sum(judged[len(texts) :]) / len(chatter) <= 0.1
    by_words = [of_the_field(calibration, text, None) for text in [*texts, *chatter]]
    assert sum(by_words[: len(texts)]) / len(texts) >= 0.9
    assert sum(by_words[len(texts) :]) / len(chatter) <= 0.4, "words alone tell less"
