"""`python -m tests.benchmarks [turns|paint|sessions|indexing ...]`: measures and prints; nothing here passes or fails."""

import sys

from tests.benchmarks import indexing, paint, sessions, turns

BENCHMARKS = {"turns": turns.run, "paint": paint.run, "sessions": sessions.run, "indexing": indexing.run}

for name in sys.argv[1:] or BENCHMARKS:
    print(f"== {name}", flush=True)
    BENCHMARKS[name]()
