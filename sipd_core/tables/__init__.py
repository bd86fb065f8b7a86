"""Uploaded complaint logs (CSV, XLSX) as rows, and tables as safe CSV.

`read_table` is `detect` (where the columns are) followed by reading; a corrected layout can be given in between.
"""

from sipd_core.tables.exports import ExportedSheet, safe_cell, write_csv, write_workbook
from sipd_core.tables.headers import OF_AN_EXPORT, Column
from sipd_core.tables.layout import named_columns
from sipd_core.tables.model import Heading, Limits, Refused, Table
from sipd_core.tables.opening import check_size, safe_name
from sipd_core.tables.private import Private, private_columns, private_kind
from sipd_core.tables.reading import Reading, detect, read_file, read_table
from sipd_core.tables.shapes import (
    NO_MEMORY,
    Choice,
    Finding,
    Layout,
    Memory,
    fingerprint,
    sheet_key,
)
from sipd_core.tables.survey import Choices, Survey, letter

__all__ = [
    "NO_MEMORY",
    "Choice",
    "Choices",
    "OF_AN_EXPORT",
    "Column",
    "ExportedSheet",
    "Finding",
    "Heading",
    "Layout",
    "Limits",
    "Memory",
    "Private",
    "Reading",
    "Refused",
    "Survey",
    "Table",
    "check_size",
    "detect",
    "fingerprint",
    "letter",
    "named_columns",
    "private_columns",
    "private_kind",
    "read_file",
    "read_table",
    "safe_cell",
    "safe_name",
    "sheet_key",
    "write_csv",
    "write_workbook",
]
