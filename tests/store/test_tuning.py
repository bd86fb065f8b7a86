"""What searches go by: nothing is lost, one step back at a time, and nobody goes back over somebody else's change."""

import threading

import pytest

from sipd_core.errors import SipdError
from sipd_core.retrieval import RetrievalSettings
from sipd_core.store.database import Database
from sipd_core.store.tuning import TuningStore

A, B, C = (RetrievalSettings(threshold=value) for value in (0.3, 0.4, 0.6))


@pytest.fixture
def store(database: Database) -> TuningStore:
    return TuningStore(database)


def put(store: TuningStore, retrieval: RetrievalSettings | None) -> int:
    return store.apply(retrieval, actor="uji").seq


def back(store: TuningStore) -> RetrievalSettings | None:
    newest = store.current()
    assert newest is not None
    return store.go_back(newest.seq, actor="uji").retrieval


def test_at_first_the_environment_counts(store: TuningStore) -> None:
    assert store.current() is None and store.history() == ()


def test_what_is_applied_is_in_force_with_who_and_why(store: TuningStore, database: Database) -> None:
    store.apply(A, actor="Sari", note="hit@1 naik; nip 198501012010011001", run_id="u1")
    found = TuningStore(database).current()
    assert found is not None
    assert (found.retrieval, found.actor, found.run_id, found.is_back) == (A, "Sari", "u1", False)
    assert found.note.startswith("hit@1 naik") and "198501012010011001" not in found.note


def test_going_back_goes_one_step_at_a_time_down_to_the_environment(store: TuningStore) -> None:
    for retrieval in (A, B, C):
        put(store, retrieval)
    assert [back(store), back(store), back(store)] == [B, A, None]
    newest = store.current()
    assert newest is not None and newest.is_back and not newest.can_go_back
    with pytest.raises(SipdError):
        back(store)
    assert len(store.history()) == 6  # nothing was taken away


def test_after_going_back_another_change_leads_back_to_there(store: TuningStore) -> None:
    for retrieval in (A, B):
        put(store, retrieval)
    back(store)
    put(store, C)
    assert [back(store), back(store)] == [A, None]


def test_the_environment_can_be_chosen_and_left_again(store: TuningStore) -> None:
    put(store, A)
    put(store, None)
    newest = store.current()
    assert newest is not None and newest.retrieval is None and newest.can_go_back
    assert back(store) == A


def test_a_change_that_is_not_in_force_any_more_cannot_be_gone_back_from(store: TuningStore) -> None:
    seen = put(store, A)
    put(store, B)
    with pytest.raises(SipdError) as refused:
        store.go_back(seen, actor="uji")
    assert "Muat ulang" in refused.value.user_text
    assert store.current() is not None and store.current().retrieval == B  # type: ignore[union-attr]


def test_many_at_once_leave_one_line_of_changes(store: TuningStore) -> None:
    threads = [threading.Thread(target=put, args=(store, RetrievalSettings(top_k=n))) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.history()
    assert [one.seq for one in found] == list(range(8, 0, -1))
    assert [one.before for one in found] == [*range(7, 0, -1), None]
