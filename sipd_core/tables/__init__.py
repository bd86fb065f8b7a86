"""Uploaded complaint logs (CSV, XLSX) as rows, and tables as safe CSV.

`read_table` is `detect` (where the columns are) followed by reading; a corrected layout can be given in between.
"""

from sipd_core.tables.exports import safe_cell, write_csv
from sipd_core.tables.headers import Column
from sipd_core.tables.layout import Layout
from sipd_core.tables.model import Limits, Table
from sipd_core.tables.opening import safe_name
from sipd_core.tables.reading import Detection, detect, read_table

__all__ = [
    "Column",
    "Detection",
    "Layout",
    "Limits",
    "Table",
    "detect",
    "read_table",
    "safe_cell",
    "safe_name",
    "write_csv",
]
