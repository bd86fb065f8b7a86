"""Answers of a hosted model written anew and gone on with, over the scripted provider: parts, books, traces, versions."""

from collections.abc import Iterator

import pytest

from sipd_core.blocking import BlockingEngine
from sipd_core.chat.continuing import joined
from sipd_core.chat.turn import AnsweredBy, AnswerPart, Exchange, Turn, VersionKind
from sipd_core.errors import ApprovalError, ProviderError
from sipd_core.texts import text
from tests.provider import Length, Provider, ServerError
from tests.test_hosting import KEY, Books, desk, fresh

FIRST = "1. Buka menu SP2D. [K1]\n2. Pilih dokumen yang belum cair lalu tekan Transf"
REST = "tekan Transfer sampai status berubah. [K1]\n3. Periksa mutasi rekening. [K1]"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider(key=KEY, dimension=64) as made:
        yield made


@pytest.fixture(scope="module")
def shared(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlockingEngine]:
    folder = tmp_path_factory.mktemp("hosted") / "data"
    with desk(folder, provider, nebius_embedding_model="local", max_retries=0) as engine:
        yield engine


@pytest.fixture
def engine(shared: BlockingEngine, provider: Provider) -> Iterator[BlockingEngine]:
    provider.clear()
    provider.answer = None
    hosting = shared._engine._hosting
    assert hosting is not None
    hosting._metered._breakers.clear()
    yield shared
    provider.answer = None
    provider.clear()


def ask(engine: BlockingEngine, provider: Provider, answer: str, *, cut: bool = False) -> Turn:
    """`cut`: the provider stops at its limit behind these words, which are half of what it was about to say."""
    rest = " dan" * len(answer.split()) if cut else ""
    provider.answer = lambda _: answer + rest
    if cut:
        provider.script("chat", Length())
    return engine.ask(fresh(), engine.new_session_id())


def last(engine: BlockingEngine, turn: Turn) -> Exchange:
    return engine.conversation(turn.session_id).exchanges[-1]


def said(parts: Iterator[AnswerPart]) -> tuple[str, Turn]:
    *texts, turn = [part for part in parts if part]
    assert isinstance(turn, Turn)
    return "".join(str(part) for part in texts), turn


def test_an_answer_cut_at_its_limit_is_gone_on_with_and_the_parts_join(
    engine: BlockingEngine, provider: Provider
) -> None:
    turn = ask(engine, provider, FIRST, cut=True)
    assert turn.can_go_on and turn.response.endswith(text("answer.cut_model"))
    books, traces = Books(engine), len(engine.traces())
    provider.answer = lambda _: REST
    shown, whole = said(engine.go_on(turn.turn_id))
    assert whole.response.count("tekan") == 1 and "[K1]" in whole.response
    assert "belum cair lalu tekan Transfer sampai status berubah" in whole.response.replace("\n", " ")
    assert not (whole.cut or whole.can_go_on or whole.caution)
    assert shown.startswith("1. Buka menu SP2D.") and "Periksa mutasi" in shown
    exchange = last(engine, turn)
    assert exchange.turn == turn and exchange.answer == whole
    assert [version.kind for version in exchange.versions] == [VersionKind.CONTINUED]
    (entry,) = books.entries()
    assert whole.cost_usd == pytest.approx(turn.cost_usd + entry["cost_pico_usd"] / 1e12)
    trace = engine.traces()[-1]
    assert len(engine.traces()) == traces + 1 and trace.cost_usd is not None
    assert float(trace.cost_usd) == pytest.approx(entry["cost_pico_usd"] / 1e12)
    told = provider.requests[-1].body["messages"]
    assert told[0]["role"] == "system" and told[-2]["role"] == "assistant" and told[-1]["role"] == "user"
    assert told[-2]["content"].endswith("lalu tekan")


def test_a_stopped_answer_is_gone_on_with(engine: BlockingEngine, provider: Provider) -> None:
    session, provider.token_delay, provider.tokens = engine.new_session_id(), 0.05, 200
    try:
        parts = engine.answer(fresh(), session)
        told = ""
        while len(told) < 60:
            told += str(next(parts))
        parts.close()
    finally:
        provider.token_delay, provider.tokens = 0.0, None
    (exchange,) = engine.conversation(session).exchanges
    assert exchange.answer.stopped and exchange.answer.can_go_on
    provider.answer = lambda _: "lalu tekan Simpan. [K1]"
    _, whole = said(engine.go_on(exchange.turn.turn_id))
    assert whole.response.endswith("lalu tekan Simpan. [K1]") and not whole.stopped


def test_what_cannot_be_gone_on_with_says_why(engine: BlockingEngine, provider: Provider) -> None:
    whole = ask(engine, provider, "Tekan Transfer. [K1]")
    with pytest.raises(ApprovalError):
        list(engine.go_on(whole.turn_id))
    cut = ask(engine, provider, FIRST, cut=True)
    provider.script("chat", ServerError(), forever=True)
    with pytest.raises(ProviderError):
        list(engine.go_on(cut.turn_id))
    assert last(engine, cut).versions == ()
    assert engine.traces()[-1].outcome != "ok"


def test_an_answer_written_anew_is_a_new_call_and_both_versions_stay(engine: BlockingEngine, provider: Provider) -> None:
    turn = ask(engine, provider, "Tekan Transfer. [K1]")
    books = Books(engine)
    provider.answer = lambda _: "Mintalah Kuasa BUD menekan Transfer. [K1]"
    _, again = said(engine.answer_anew(turn.turn_id))
    assert len(books.entries()) == 1 and again.answered_by is AnsweredBy.HOSTED
    exchange = last(engine, turn)
    assert (exchange.turn.response, exchange.answer.response) == (turn.response, again.response)
    engine.answers.choose(turn.turn_id, 0)
    assert last(engine, turn).answer == turn
    engine.answers.choose(turn.turn_id, 1)
    assert last(engine, turn).answer == again


def test_an_approved_answer_calls_no_model(engine: BlockingEngine, provider: Provider) -> None:
    question = fresh()
    turn = engine.ask(question, engine.new_session_id())
    engine.answers.approve(turn.turn_id, actor="Sari")
    books = Books(engine)
    again = engine.ask(question, engine.new_session_id())
    assert again.answered_by is AnsweredBy.APPROVED and books.entries() == []
    assert again.response == turn.for_caller and "[K1]" not in again.response


@pytest.mark.parametrize(
    ("so_far", "rest", "whole"),
    [
        ("1. Buka menu.", "2. Tekan Simpan.", "1. Buka menu.\n2. Tekan Simpan."),
        ("Buka menu lalu", "tekan Simpan.", "Buka menu lalu tekan Simpan."),
        ("Buka menu Penatausahaan", "menu Penatausahaan, lalu Simpan.", "Buka menu Penatausahaan, lalu Simpan."),
        ("Buka menu", ", lalu Simpan.", "Buka menu, lalu Simpan."),
    ],
)
def test_two_parts_become_one_text(so_far: str, rest: str, whole: str) -> None:
    assert joined(so_far, rest) == whole
