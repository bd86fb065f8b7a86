"""The log: quiet by default, usage when wanted, everything when asked for, and only the engine's own."""

import logging
from collections.abc import Iterator

import pytest

from sipd_core.logs import USAGE_LOGGER, configure_logging


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    logger, usage = logging.getLogger("sipd_core"), logging.getLogger(USAGE_LOGGER)
    before = logger.level, logger.propagate, logger.handlers[:], usage.level
    logger.propagate, logger.handlers[:] = True, []  # as in a new process: pytest listens at a logger that was set up
    yield
    logger.level, logger.propagate, logger.handlers[:], usage.level = before


@pytest.mark.parametrize(
    ("verbose", "usage", "levels"),
    [
        (False, False, (logging.WARNING, logging.WARNING)),
        (False, True, (logging.WARNING, logging.INFO)),
        (True, True, (logging.DEBUG, logging.INFO)),
    ],
)
def test_levels(verbose: bool, usage: bool, levels: tuple[int, int]) -> None:
    configure_logging(verbose=verbose, usage=usage)
    names = ("sipd_core.engine", USAGE_LOGGER)
    assert tuple(logging.getLogger(name).getEffectiveLevel() for name in names) == levels
    assert logging.getLogger("chromadb").getEffectiveLevel() >= logging.WARNING


def test_configuring_twice_prints_once() -> None:
    configure_logging(verbose=True, usage=True)
    configure_logging(verbose=True, usage=True)
    assert len(logging.getLogger("sipd_core").handlers) == 1
