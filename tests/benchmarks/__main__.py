"""`python -m tests.benchmarks [turns|paint|sessions|indexing|hosted_turns|hosted_indexing ...]`: measures and prints; nothing here passes or fails."""

import sys

from tests.benchmarks import hosted_turns, indexing, paint, sessions, turns

BENCHMARKS = {
    "turns": turns.run,
    "paint": paint.run,
    "sessions": sessions.run,
    "indexing": indexing.run,
    "hosted_turns": hosted_turns.run,
}

for name in sys.argv[1:] or BENCHMARKS:
    print(f"== {name}", flush=True)
    BENCHMARKS[name]()
