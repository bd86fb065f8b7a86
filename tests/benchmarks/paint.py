"""From the start of the process to the chat page painted in Chromium, first start and later ones."""

import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.benchmarks.report import print_latencies
from tests.ui.chromium import ARGUMENTS, CHROMIUM
from tests.ui.server import Console

STARTS = 5


def run() -> None:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        browser.new_page().goto("about:blank")
        console = Console(Path(folder) / "data")
        painted, ready = [], []
        for _ in range(STARTS + 1):
            started = time.perf_counter()
            console.start(wait=False)
            console.wait_until_it_answers()
            context = browser.new_context()
            page = context.new_page()
            page.goto(console.url)
            page.get_by_test_id("stChatInputTextArea").wait_for(timeout=60_000)
            painted.append((time.perf_counter() - started) * 1000)
            context.close()  # an open page would come back to the next console and be measured with it
            console.wait_for(200)
            ready.append((time.perf_counter() - started) * 1000)
            console.stop()
        print(f"first start: painted {painted[0]:.0f} ms, samples ready for questions {ready[0]:.0f} ms")
        print_latencies("later starts, chat page painted", painted[1:], "<= 3000")
        print_latencies("later starts, ready for questions", ready[1:])
        browser.close()
