import csv
import io

from pages.shell.downloads import csv_bytes


def test_accents_survive_excel_and_formulas_are_defused() -> None:
    written = csv_bytes(["alasan", "n"], [["=CMD()", -3], ["café", 1.5], ["+62 812", None]])
    assert written.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(written.decode("utf-8-sig"))))
    assert rows == [["alasan", "n"], ["'=CMD()", "-3"], ["café", "1.5"], ["'+62 812", ""]]
