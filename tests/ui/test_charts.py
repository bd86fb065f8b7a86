"""Charts say what they are given: gaps stay gaps, bars start at zero, colours belong to names and can be told apart."""

import csv
import io
import itertools
import subprocess
import sys
import time
import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from pages.shell import charts
from pages.shell.chart_card import table_csv
from pages.shell.charts import Measure, Series
from sipd_core.locale_id import duration, number
from tests.ui.server import Console

MS = Measure("milidetik", duration, "ms")
COUNT = Measure("jawaban", number, "jawaban")
DAYS = [date(2026, 11, 20) + timedelta(days=n) for n in range(4)]
ROOT = Path(__file__).parents[2]
THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]


def test_a_chart_waits_for_pandas_that_another_page_is_importing() -> None:
    """Plotly fails on a half imported pandas ("has no attribute 'Series'"), so the first chart imports it whole."""
    script = (
        "import sys, streamlit.elements.plotly_chart; from pages.shell import charts\n"
        "assert 'pandas' not in sys.modules; charts.blank(); print(hasattr(sys.modules['pandas'], 'Series'))"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "True"


def test_once_loaded_a_chart_waits_for_no_library() -> None:
    script = (
        "import sys; from datetime import date; from pages.shell import charts; charts.load(); before = set(sys.modules)\n"
        "days, one = [date(2026, 11, 20), date(2026, 11, 21)], [charts.Series('chat', 'Obrolan', [1.0, None])]\n"
        "for draw in charts.lines, charts.stacked_bars: draw(days, one, charts.Measure('US$')).figure.to_json()\n"
        "print('pandas' in before, sorted(set(sys.modules) - before))"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "True []"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has loaded")
def test_a_console_loads_what_draws_charts_before_anybody_asks_for_one(console: Console) -> None:
    while not console.has_loaded("pandas"):
        time.sleep(0.1)  # until pytest's own patience ends


def test_what_was_not_measured_is_a_gap_in_figure_words_and_file() -> None:
    chart = charts.lines(DAYS, [Series("p50", "p50", [820.0, None, 1400.0, 900.0])], MS)
    line = chart.figure.data[0]
    assert (list(line.x), list(line.y)) == (["20 Nov", "21 Nov", "22 Nov", "23 Nov"], [820.0, None, 1400.0, 900.0])
    assert line.connectgaps is False
    assert chart.summary == (
        "p50: terendah 820 ms (20 Nov), tertinggi 1,4 detik (22 Nov), terakhir 900 ms (23 Nov). "
        "1 dari 4 titik waktu tanpa data."
    )
    rows = list(csv.reader(io.StringIO(table_csv(chart.table).decode("utf-8-sig"))))
    assert rows[:3] == [["waktu", "p50"], ["2026-11-20", "820.0"], ["2026-11-21", ""]]


def test_nothing_at_all_is_said_and_not_drawn_as_zero() -> None:
    for chart in (
        charts.lines(DAYS, [Series("p50", "p50", [None] * 4)], MS),
        charts.stacked_bars(DAYS, [Series("found", "ditemukan", [None] * 4)], COUNT),
        charts.ranked_bars({}, COUNT, column="penyebab"),
    ):
        assert (chart.empty, chart.summary) == (True, "Belum ada data pada periode ini.")


def test_stacked_bars_start_at_zero_and_their_words_add_up() -> None:
    series = [Series("found", "Ditemukan", [3, None, 1000, 2]), Series("partial", "Sebagian", [1, None, 5, 0])]
    chart = charts.stacked_bars(DAYS, series, COUNT)
    assert (chart.figure.layout.barmode, chart.figure.layout.yaxis.rangemode) == ("stack", "tozero")
    assert chart.summary == (
        "Jumlah 1.011; terbanyak 1.005 (22 Nov). Ditemukan 1.005; Sebagian 6. 1 dari 4 titik waktu tanpa data."
    )


def test_every_axis_says_its_unit_and_numbers_are_indonesian() -> None:
    chart = charts.lines(DAYS, [Series("p50", "p50", [1.0, 2.0, 3.0, 4.0])], Measure("US$ per hari", unit="US$", decimals=2))
    assert [note.text for note in chart.figure.layout.annotations] == ["US$ per hari"]
    assert chart.figure.layout.separators == ",."
    assert chart.figure.data[0].hovertemplate == "%{fullData.name}: %{y:,.2f} US$<extra></extra>"


def test_a_colour_belongs_to_a_key_whatever_else_is_drawn() -> None:
    def colours(*keys: str) -> dict[str, str]:
        series = [Series(key, key, [1.0]) for key in keys]
        return {bar.name: bar.marker.color for bar in charts.stacked_bars(DAYS[:1], series, COUNT).figure.data}

    alone, together = colours("partial"), colours("not_found", "partial", "found")
    assert alone["partial"] == together["partial"] and len(set(together.values())) == 3
    with_strangers = colours("found", "model-b", "model-a")
    assert with_strangers == colours("model-a", "found", "model-b") and len(set(with_strangers.values())) == 3


def test_hours_are_labelled_by_the_clock_within_a_day_and_by_the_day_beyond_it() -> None:
    hours = [datetime(2026, 11, 22, hour) for hour in range(24)]
    axis = charts.lines(hours, [Series("p50", "p50", [1.0] * 24)], MS).figure.layout.xaxis
    assert list(axis.ticktext)[:2] == ["00.00", "04.00"] and len(axis.ticktext) <= 6
    week = [datetime(2026, 11, 16) + timedelta(hours=n) for n in range(7 * 24)]
    axis = charts.lines(week, [Series("p50", "p50", [1.0] * len(week))], MS).figure.layout.xaxis
    assert list(axis.ticktext) == ["16 Nov", "18 Nov", "20 Nov", "22 Nov"]


def test_a_day_that_comes_twice_is_told_by_its_year() -> None:
    names = charts.bucket_names([date(2025, 11, 22), date(2026, 11, 22)])
    assert names == ["22 Nov 2025", "22 Nov 2026"]


def test_a_point_without_neighbours_is_seen_in_a_long_line() -> None:
    values: list[float | None] = [1.0] * 40 + [None, 5.0, None] + [1.0] * 40
    chart = charts.lines([date(2026, 1, 1) + timedelta(days=n) for n in range(83)], [Series("p50", "p50", values)], MS)
    assert [n for n, size in enumerate(chart.figure.data[0].marker.size) if size] == [41]


def test_a_name_from_people_is_text_in_the_figure_and_no_formula_in_the_file() -> None:
    chart = charts.ranked_bars({"<b>=1+1</b>": 2.0, "=SUM(A1)": 1.0}, COUNT, column="penyebab")
    assert list(chart.figure.data[0].y) == ["&lt;b>=1+1&lt;/b>", "=SUM(A1)"]
    assert b"'=SUM(A1)" in table_csv(chart.table)


def test_parts_of_a_whole_follow_each_other_without_a_gap() -> None:
    parts = [Series("embed", "Vektor", [60.0]), Series("search", "Pencarian", [10.0]), Series("write", "Penulisan", [1_430.0])]
    chart = charts.waterfall(parts, MS, column="tahap")
    assert [(bar.base[0], bar.x[0]) for bar in chart.figure.data] == [(0.0, 60.0), (60.0, 10.0), (70.0, 1_430.0)]
    assert chart.figure.layout.xaxis.range[0] == 0 and chart.figure.layout.xaxis.range[1] > 1_500
    assert chart.summary == "Vektor 60 ms; Pencarian 10 ms; Penulisan 1,4 detik"


def test_an_unknown_kind_of_work_keeps_its_own_name() -> None:
    assert charts.operation_name("kerja_baru") == "kerja baru"


# --- colours that can be told apart (Machado, Oliveira & Fernandes 2009, full severity) ---------------------------------

_SIGHT = {
    "usual": np.eye(3),
    "without green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "without red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "without blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
USED = max(place for place in charts.SLOTS.values() if place != 7) + 1
"""Places that meet in one chart; the grey one stands for what has no name."""


def _linear(colour: str) -> np.ndarray:  # type: ignore[type-arg]
    share = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    x = _XYZ @ np.clip(linear, 0, 1) / np.array([0.95047, 1, 1.08883])
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("sight", _SIGHT)
def test_colours_that_meet_in_a_chart_can_be_told_apart(mode: str, sight: str) -> None:
    seen = [_lab(np.array(_SIGHT[sight]) @ _linear(colour)) for colour in THEME[mode]["chartCategoricalColors"][:USED]]
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)) > 11


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_colours_stand_out_from_the_page(mode: str) -> None:
    weights = np.array([0.2126, 0.7152, 0.0722])
    page = float(weights @ _linear(THEME[mode]["backgroundColor"]))
    for colour in THEME[mode]["chartCategoricalColors"][:USED]:
        light = float(weights @ _linear(colour))
        assert (max(light, page) + 0.05) / (min(light, page) + 0.05) > 3, colour
