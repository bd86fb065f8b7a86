"""Where the engine's log goes: one handler on standard error for `sipd_core` alone. No message holds what a person typed."""

import logging

USAGE_LOGGER = "sipd_core.usage"
"""Name of the logger that gets one line per use of a model."""

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def configure_logging(*, verbose: bool, usage: bool) -> None:
    """Warnings always; the usage of models with `usage` (LOG_EMBEDDING_USAGE); everything with `verbose`."""
    logger = logging.getLogger("sipd_core")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(_FORMAT))
        logger.addHandler(handler)
        logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)
    logging.getLogger(USAGE_LOGGER).setLevel(logging.INFO if usage else logging.WARNING)
