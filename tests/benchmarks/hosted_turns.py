"""Hosted turns against a provider with 50 ms an embedding call and 20 ms to the first chat token: alone, twenty at once, with faults.

Beside them, in the same run, the flow of the document this console comes from: a new connection for every call, one
embedding, then three chat calls in a row.
"""

import io
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import AnsweredBy, Turn
from sipd_core.settings import load_settings
from tests.benchmarks.provider_process import account, provider
from tests.benchmarks.report import print_latencies
from tests.benchmarks.rows import many_rows, questions

ROWS = 1_000
TURNS = 60
OPERATORS = 20
TURNS_EACH = 5
KEY = "kunci-uji"
SPEED = {"embedding_delay_ms": 50, "per_text_ms": 1, "first_token_ms": 20, "token_ms": 5, "tokens": 60}
FAULTS = {"rate_429": 0.05, "rate_500": 0.02, "seed": 7}
OFFICES = ("dinas perhubungan", "kecamatan sukamaju", "inspektorat daerah", "badan kepegawaian")
MODEL = "Qwen/Qwen3-30B-A3B-Instruct-2507"
EMBEDDING_MODEL = "Qwen/Qwen3-Embedding-8B"


def run() -> None:
    with provider(**SPEED) as url:
        with engine(url) as desk:
            asked = answerable(desk)
            _alone(desk, url, asked)
            _together(desk, url, asked)
        _source_flow(url, asked)
    with provider(**SPEED, **FAULTS) as url, engine(url, retry_delay=0.05) as desk:
        _with_faults(desk, url, asked)


@contextmanager
def engine(url: str, **changes: object) -> Iterator[BlockingEngine]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = load_settings(
            _env_file=None,
            sipd_data_dir=Path(folder),
            nebius_base_url=url,
            nebius_api_key=KEY,
            enable_answer_cache=True,
            **changes,
        )
        desk = BlockingEngine(settings, load_samples=False)
        try:
            desk.import_files([("aduan.csv", io.BytesIO(many_rows(ROWS)))])
            desk.wait_until_indexed()
            while desk.status().takeover:
                time.sleep(0.2)
            yield desk
        finally:
            desk.close()


def answerable(desk: BlockingEngine) -> list[str]:
    """Gold questions that a model is asked for, each from several offices: none of them has been embedded yet."""
    told = [question for question in questions() if _one(desk, question)[1].answered_by is AnsweredBy.HOSTED]
    return [f"{question} {office}" for office in OFFICES for question in told]


def _one(desk: BlockingEngine, question: str) -> tuple[float, Turn, float]:
    """(milliseconds to the first text, the turn, milliseconds to its end)."""
    started, first = time.perf_counter(), 0.0
    for part in desk.answer(question, desk.new_session_id()):
        if isinstance(part, Turn):
            return first, part, (time.perf_counter() - started) * 1000
        if part and not first:
            first = (time.perf_counter() - started) * 1000
    raise RuntimeError("an answer without its turn")


def _alone(desk: BlockingEngine, url: str, asked: list[str]) -> None:
    for question in asked[:5]:
        _one(desk, question)
    fresh = asked[5 : 5 + TURNS]
    before, cpu = _calls(url), time.process_time()
    turns = [_one(desk, question) for question in fresh]
    hosted = [turn for turn in turns if turn[1].answered_by is AnsweredBy.HOSTED]
    spent = (time.process_time() - cpu) * 1000 / len(turns)
    print_latencies("first token of a fresh question", [turn[0] for turn in hosted], "p50 <= 85")
    print_latencies("  whole answer (ideal 366)", [turn[2] for turn in hosted])
    print(f"  HTTP calls a hosted turn: {(_calls(url) - before) / len(hosted):.2f} (goal 2), CPU {spent:.1f} ms a turn")
    before = _calls(url)
    again = [_one(desk, f"tolong dibantu, {question}") for question in fresh[:30]]
    print_latencies("the same embedding, another text (embedding cached)", [turn[0] for turn in again], "p50 <= 35")
    print(f"  HTTP calls a turn: {(_calls(url) - before) / len(again):.2f} (goal 1)")
    before = _calls(url)
    kept = [_one(desk, question) for question in fresh[:30]]
    print_latencies("the very same question (answer cached)", [turn[0] for turn in kept])
    print(f"  HTTP calls a turn: {(_calls(url) - before) / len(kept):.2f} (goal 0), {_share(kept)} from the cache")


def _together(desk: BlockingEngine, url: str, asked: list[str]) -> None:
    fresh = asked[5 + TURNS : 5 + TURNS + OPERATORS * TURNS_EACH]
    before, cpu = _calls(url), time.process_time()
    turns = _by_operators(desk, fresh)
    hosted = [turn[0] for turn in turns if turn[1].answered_by is AnsweredBy.HOSTED]
    print_latencies(f"{OPERATORS} operators at once, first token", hosted, "p95 <= 223")
    spent = (time.process_time() - cpu) * 1000 / len(turns)
    print(f"  CPU {spent:.1f} ms a turn (goal 51), HTTP calls a turn {(_calls(url) - before) / len(turns):.2f}")


def _by_operators(desk: BlockingEngine, asked: list[str]) -> list[tuple[float, Turn, float]]:
    """Every operator asks one question after the other; all begin in the same instant."""
    gate = threading.Barrier(OPERATORS)

    def operator(own: list[str]) -> list[tuple[float, Turn, float]]:
        gate.wait()
        return [_one(desk, question) for question in own]

    with ThreadPoolExecutor(OPERATORS) as pool:
        parts = list(pool.map(operator, [asked[at::OPERATORS] for at in range(OPERATORS)]))
    return [turn for part in parts for turn in part]


def _with_faults(desk: BlockingEngine, url: str, asked: list[str]) -> None:
    desk.wait_until_indexed()
    booked_before, seen_before = _booked(desk), _calls(url)
    turns = _by_operators(desk, asked[: OPERATORS * TURNS_EACH])
    calls, retries = (after - before for after, before in zip(_booked(desk), booked_before, strict=True))
    degraded = sum(turn[1].degraded is not None for turn in turns)
    seen = _calls(url) - seen_before
    print(
        f"5 % 429 and 2 % 500: {len(turns)} turns, {degraded} degraded (goal 0), {calls} book entries with {retries} retries"
    )
    print(f"  requests the provider saw: {seen}, entries + retries: {calls + retries} (goal equal)")


def _source_flow(url: str, asked: list[str]) -> None:
    def one(question: str) -> float:
        started = time.perf_counter()
        _post(url, "embeddings", {"model": EMBEDDING_MODEL, "input": question})
        for _ in range(3):
            _post(url, "chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": question}]})
        return (time.perf_counter() - started) * 1000

    one(asked[0])
    cpu = time.process_time()
    waited = [one(question) for question in asked[:15]]
    print_latencies("the source document's flow, its answer", waited)
    print(f"  HTTP calls a turn: 4, CPU {(time.process_time() - cpu) * 1000 / len(waited):.1f} ms a turn")


def _post(url: str, path: str, body: dict[str, object]) -> None:
    with httpx.Client(headers={"Authorization": f"Bearer {KEY}"}) as client:
        client.post(f"{url}/{path}", json=body, timeout=30).raise_for_status()


def _calls(url: str) -> int:
    return int(account(url)["requests"])


def _booked(desk: BlockingEngine) -> tuple[int, int]:
    totals = [total for total in desk.costs(1).totals if total.model in (MODEL, EMBEDDING_MODEL)]
    return sum(total.calls for total in totals), sum(total.retries for total in totals)


def _share(turns: list[tuple[float, Turn, float]]) -> str:
    return f"{sum(turn[1].answered_by is AnsweredBy.CACHE for turn in turns)} of {len(turns)}"
