"""With a provider the loop costs nothing but the vectors of the new row: no question is read twice, nobody writes answers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sipd_core.blocking import BlockingEngine
from sipd_core.chat.turn import Feedback
from sipd_core.knowledge.relevance import prepare
from sipd_core.learning.model import GapFilter, GapState
from tests.provider import Provider
from tests.test_hosting import KEY, desk, settings

QUESTION = "Kode OTP untuk tanda tangan elektronik tidak pernah masuk ke email bendahara."


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider(key=KEY, dimension=64) as made:
        yield made


def test_questions_are_grouped_and_asked_again_without_a_paid_call(provider: Provider, tmp_path: Path) -> None:
    with desk(tmp_path / "data", provider) as engine:
        turn = engine.ask(QUESTION, engine.new_session_id())
        engine.give_feedback(turn.turn_id, Feedback(False))
        (read,) = {sent for sent in provider.texts if sent.endswith(prepare(QUESTION).embedded)}
        before = provider.calls("chat"), provider.calls("embeddings")
        engine.learning.look()
        (gap,) = engine.learning.gaps(GapFilter()).gaps
        assert (provider.calls("chat"), provider.calls("embeddings")) == before, "its vector was at hand"
        draft = engine.learning.draft(gap.id, actor="Operator Uji")
        engine.learning.publish(gap.id, replace(draft, menu="TTE", remedy="Kirim ulang kode OTP."), actor="Admin Uji")
        engine.wait_until_indexed(120)
        engine.learning.look()
        detail = engine.learning.detail(gap.id)
        assert detail.gap.state in (GapState.CLOSED, GapState.PUBLISHED) and detail.questions[0].proof is not None
        assert provider.calls("chat") == before[0]
        assert provider.texts.count(read) == 1, "what is read anew is the row, and what the base measures itself by"
    after = provider.calls("chat"), provider.calls("embeddings")
    again = BlockingEngine(settings(tmp_path / "data", provider), load_samples=False)
    try:
        again.wait_until_prepared(120)
        again.learning.ask_again(gap.id)
        proof = again.learning.detail(gap.id).questions[0].proof
        assert proof is not None and proof.at > detail.questions[0].proof.at
        assert (provider.calls("chat"), provider.calls("embeddings")) == after, "nor after a restart"
        assert provider.texts.count(read) == 1
    finally:
        again.close()
