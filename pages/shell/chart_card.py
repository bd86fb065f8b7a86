"""A chart on a card of its own: heading, figure, the same in words, and its values as a file."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from pages.shell import charts
from pages.shell.downloads import csv_bytes, download_button
from pages.shell.plain import plain
from sipd_core.texts import text


def chart_card(
    title: str,
    chart: charts.Chart,
    *,
    file_name: str,
    key: str,
    help: str | None = None,
    table: Sequence[Mapping[str, object]] | None = None,
    controls: Callable[[], object] | None = None,
) -> None:
    """Draw a chart with its summary and its CSV; `table` replaces the chart's own values in the file, for exact ones, `controls` are
    drawn below the heading.

    A chart without any value is said in words: an empty frame would pass for a chart that does not load.
    """
    with st.container(border=True, height="stretch", key=f"card-{key.replace('.', '-')}"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{plain(title)}**", help=help, width="content")
            if not chart.empty:
                _download(table if table is not None else chart.table, file_name, f"{key}.csv")
        if controls is not None:
            controls()
        if chart.empty:
            st.caption(text("charts.empty"))
            return
        st.plotly_chart(chart.figure, config=charts.CONFIG, key=key, alt=f"{title}. {chart.summary}")
        if chart.caption:
            st.caption(plain(chart.caption))


def table_csv(table: Sequence[Mapping[str, object]]) -> bytes:
    """Rows as a CSV with the keys of the first as its header; what is not known is an empty cell."""
    header = list(table[0]) if table else []
    return csv_bytes(header, [["" if (value := row[name]) is None else value for name in header] for row in table])


def _download(table: Sequence[Mapping[str, object]], file_name: str, key: str) -> None:
    download_button(
        text("charts.download"),
        lambda: table_csv(table),
        file_name=file_name,
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        key=key,
        on_click="ignore",
    )
