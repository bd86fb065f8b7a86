"""What people read of a rule: ages in hours and days, and a base that was never saved is said to be one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sipd_core.alerts import wording
from sipd_core.alerts.model import DEFAULTS, Kind
from sipd_core.alerts.rules import measure
from tests.alerts.conftest import NOON
from tests.alerts.test_rules import NOTHING, sighting

BACKUP = DEFAULTS[Kind.BACKUP]


@pytest.mark.parametrize(
    ("days", "said"),
    [(0.0, "kurang dari 1 jam"), (0.04, "kurang dari 1 jam"), (0.26, "6 jam"), (0.5, "12 jam"), (1.0, "1 hari"),
     (89.15, "89,2 hari"), (None, "—")],
)  # fmt: skip
def test_the_age_of_a_backup_is_said_in_hours_and_days(days: float | None, said: str) -> None:
    assert wording.amount(Kind.BACKUP, days) == said


def test_what_was_never_saved_has_no_last_backup() -> None:
    never = replace(NOTHING, sightings=(sighting(),), first_content=NOON - timedelta(days=90))
    saved = replace(never, sightings=(sighting(saved_at=NOON - timedelta(days=3)),))
    assert wording.situation(BACKUP, measure(BACKUP, never)) == "Isi basis sudah 90 hari tanpa cadangan (batas 2 hari)."
    assert measure(BACKUP, never).detail == "Belum pernah ada cadangan."
    assert wording.situation(BACKUP, measure(BACKUP, saved)) == "Cadangan terakhir berumur 3 hari (batas 2 hari)."
    assert not measure(BACKUP, saved).detail
