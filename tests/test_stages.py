"""The stages of a turn add up to the whole of it, and nothing is counted twice."""

from datetime import UTC, datetime

import pytest

from sipd_core.stages import stages_of
from sipd_core.store.traces import TurnTrace

AT = datetime(2026, 11, 22, tzinfo=UTC)
BEFORE = {"mask": 1.0, "embed": 60.0, "search": 10.0}


def test_a_model_is_waited_for_and_the_mood_is_read_after_it() -> None:
    trace = TurnTrace("t", "s", AT, timings_ms=BEFORE | {"first_token": 571.0, "classify": 2.0, "total": 2_000.0}, model="m")
    assert stages_of(trace) == BEFORE | {"first_token": 500.0, "classify": 2.0, "write": 1_427.0}


def test_the_console_reads_the_mood_before_its_own_words() -> None:
    trace = TurnTrace("t", "s", AT, timings_ms=BEFORE | {"first_token": 75.0, "classify": 3.0, "total": 80.0})
    assert stages_of(trace) == BEFORE | {"first_token": 1.0, "classify": 3.0, "write": 5.0}


@pytest.mark.parametrize("timings", [{"total": 15_000.0}, {"mask": 1.0, "total": 15_000.0}, {}, BEFORE | {"total": 50.0}])
def test_what_no_stage_explains_is_said_to_be_so(timings: dict[str, float]) -> None:
    spent = stages_of(TurnTrace("t", "s", AT, timings_ms=timings))
    assert sum(spent.values()) == max(timings.get("total", 0.0), sum(ms for name, ms in timings.items() if name != "total"))
    assert min(spent.values(), default=1.0) > 0
