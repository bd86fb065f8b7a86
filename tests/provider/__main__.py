"""`python -m tests.provider --port P …`: the scripted provider in a process of its own, until SIGTERM or SIGINT."""

import argparse
import signal

from tests.provider import Provider


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.provider", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="kunci-uji")
    parser.add_argument("--tokens", type=int)
    parser.add_argument("--dimension", type=int, default=1024)
    for name in ("embedding-delay", "per-text", "first-token", "token"):
        parser.add_argument(f"--{name}-ms", type=float, default=0.0)
    parser.add_argument("--rate-429", type=float, default=0.0)
    parser.add_argument("--rate-500", type=float, default=0.0)
    parser.add_argument("--retry-after", default="1", help="seconds said with a 429; empty for no such header")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with Provider(
        port=given.port,
        key=given.key,
        tokens=given.tokens,
        dimension=given.dimension,
        embedding_delay=given.embedding_delay_ms / 1000,
        per_text_delay=given.per_text_ms / 1000,
        first_token_delay=given.first_token_ms / 1000,
        token_delay=given.token_ms / 1000,
        rate_429=given.rate_429,
        rate_500=given.rate_500,
        retry_after=given.retry_after or None,
        seed=given.seed,
    ) as provider:
        print(provider.url, flush=True)
        signal.sigwait(signals)


if __name__ == "__main__":
    main()
