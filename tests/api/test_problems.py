"""What may be told of an error: nothing of the inside, whatever failed."""

import inspect
from typing import Any

import pytest

from sipd_core import errors
from sipd_core.api.problems import RequestError, preparing, telling
from sipd_core.errors import SipdError

INSIDE = {"reason": "/srv/rahasia", "path": "/srv/rahasia", "owner": "/srv/rahasia", "archive": "/srv/rahasia"}
KINDS = sorted(
    (kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SipdError)),
    key=lambda kind: kind.__name__,
)


def made(kind: type[SipdError]) -> SipdError:
    values: dict[str, Any] = INSIDE | {
        "what": "Percakapan", "code": "x", "variable": "X", "value": "x", "allowed": "x", "limit": 1, "length": 1,
        "scope": "chat", "scopes": "stats", "times": "1", "seconds": "1", "row": 1, "model": "m", "served": "m",
        "period": "harian", "budget": "1", "left": "0",
    }  # fmt: skip
    if kind is errors.RateExceededError:
        values |= {"limit": 1, "reset": 0.2, "retry_after": 0.2}
    return kind("/srv/rahasia", **values)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_error_tells_of_the_inside(kind: type[SipdError]) -> None:
    told = telling(made(kind))
    assert 400 <= told.status < 600 and told.status != 500
    assert "/srv/rahasia" not in f"{told.message}{told.headers}" and told.message
    if told.status in {429, 503}:
        assert int(told.headers["Retry-After"]) >= 1


def test_what_nobody_expected_is_told_in_one_sentence() -> None:
    told = telling(ValueError("/srv/rahasia"))
    assert (told.status, told.code) == (500, "internal") and "rahasia" not in told.message


def test_each_of_our_refusals_has_its_words() -> None:
    assert preparing().status == 503
    for code in ("media_type", "encoding", "not_json", "too_slow", "origin"):
        assert telling(RequestError(400, code)).message
