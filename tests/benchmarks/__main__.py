"""`python -m tests.benchmarks [NAME ...]`: measures and prints; nothing here passes or fails."""

import sys

from tests.benchmarks import (
    approved_answers,
    audit,
    conversations,
    health,
    hosted_indexing,
    hosted_turns,
    indexing,
    large_base,
    learning,
    pages,
    paint,
    sessions,
    turns,
    workbook,
)

BENCHMARKS = {
    "turns": turns.run,
    "paint": paint.run,
    "pages": pages.run,
    "sessions": sessions.run,
    "indexing": indexing.run,
    "workbook": workbook.run,
    "health": health.run,
    "hosted_turns": hosted_turns.run,
    "hosted_indexing": hosted_indexing.run,
    "approved_answers": approved_answers.run,
    "audit": audit.run,
    "conversations": conversations.run,
    "learning": learning.run,
    "large_base": large_base.run,
}

strange = [name for name in sys.argv[1:] if name not in BENCHMARKS]
if strange:  # before an hour is spent on the others
    sys.exit(f"no benchmark is called {strange[0]}; a data folder is given to one alone: python -m tests.benchmarks.pages DATA_DIR")

for name in sys.argv[1:] or BENCHMARKS:
    print(f"== {name}", flush=True)
    BENCHMARKS[name]()
