"""Spreadsheets (XLSX, XLS, ODS): where the header is, merged cells, sheets, and what is refused."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.data.readers import open_source, read
from studio.data.table import Table
from tests.studio.data.files import refusal
from tests.studio.data.office import Cells, write_ods, write_xlsx

ROWS: Cells = [["Frage", "Antwort"], ["Wo?", "Hier"], ["Wann?", "Jetzt"]]
Write = Callable[[Path, dict[str, Cells]], Path]


def sheet(path: Path, cells: Cells, *merges: str) -> Table:
    """The table of a workbook with one sheet."""
    return read(write_xlsx(path, {"Sheet1": cells}, merges))


@pytest.mark.parametrize(("name", "write"), [("rows.xlsx", write_xlsx), ("rows.ods", write_ods)])
def test_a_sheet_becomes_rows_with_the_numbers_that_it_shows(
    tmp_path: Path, name: str, write: Write
) -> None:
    table = read(write(tmp_path / name, {"Mails": [*ROWS[:2], [], ROWS[2]]}))
    assert table.columns == ("Frage", "Antwort")
    assert list(table.rows) == [
        {"Frage": "Wo?", "Antwort": "Hier"},
        {"Frage": "Wann?", "Antwort": "Jetzt"},
    ]
    assert list(table.numbers) == [2, 4]
    assert table.format == name.partition(".")[2]
    assert table.notes == ("1 blank row was passed over.",)


@pytest.mark.parametrize(("name", "write"), [("rows.xlsx", write_xlsx), ("rows.ods", write_ods)])
def test_a_sheet_may_be_chosen_and_the_others_are_told(
    tmp_path: Path, name: str, write: Write
) -> None:
    path = write(tmp_path / name, {"Mails": ROWS, "Other": [["a", "b"], ["c", "d"], ["e", "f"]]})
    first = read(path)
    assert (first.parts, first.part) == (("Mails", "Other"), "Mails")
    assert "Also there: 'Other'" in " ".join(first.notes)
    assert read(path, "Other").columns == ("a", "b")
    assert "has no sheet 'Third'" in refusal(lambda: read(path, "Third"))


def test_an_empty_first_sheet_is_passed_over(tmp_path: Path) -> None:
    table = read(write_xlsx(tmp_path / "rows.xlsx", {"Cover": [["About"]], "Mails": ROWS}))
    assert (table.part, len(table.rows)) == ("Mails", 2)


def test_a_merged_title_above_the_header_is_passed_over(tmp_path: Path) -> None:
    table = sheet(
        tmp_path / "rows.xlsx", [["Export of our mails", "", ""], [], *ROWS_OF_THREE], "A1:C1"
    )
    assert table.columns == ("Frage", "Antwort", "Datum")
    assert table.numbers[0] == 4
    assert "taken for a title" in table.notes[0]


ROWS_OF_THREE: Cells = [["Frage", "Antwort", "Datum"], ["Wo?", "Hier", "heute"], ["W?", "J", "h"]]


def test_headings_over_several_columns_give_way_to_the_names_below(tmp_path: Path) -> None:
    table = sheet(
        tmp_path / "rows.xlsx",
        [
            ["Customer", "", "Agent", ""],
            ["Text", "Date", "Text", "Date"],
            ["Wo?", "1", "Hier", "2"],
        ],
        *("A1:B1", "C1:D1"),
    )
    assert table.columns == ("Customer Text", "Customer Date", "Agent Text", "Agent Date")
    assert table.rows[0]["Agent Text"] == "Hier"


def test_a_name_merged_over_two_rows_of_the_header_stays(tmp_path: Path) -> None:
    table = sheet(
        tmp_path / "rows.xlsx",
        [["Frage", "Antwort", ""], ["", "Kurz", "Lang"], ["Wo?", "Hier", "Hier am Rhein"]],
        *("A1:A2", "B1:C1"),
    )
    assert table.columns == ("Frage", "Kurz", "Lang")
    assert len(table.rows) == 1


def test_a_cell_merged_over_rows_stands_in_each(tmp_path: Path) -> None:
    cells = [["topic", "q", "a"], ["Bikes", "1", "2"], ["", "3", "4"], ["Cars", "5", "6"]]
    table = sheet(tmp_path / "rows.xlsx", cells, "A2:A3")
    assert [row["topic"] for row in table.rows] == ["Bikes", "Bikes", "Cars"]


def test_formulas_give_their_last_value_and_numbers_lose_their_point(tmp_path: Path) -> None:
    table = sheet(
        tmp_path / "rows.xlsx", [["a", "b", "c"], ["=HYPERLINK(1)", 5.0, True], ["x", 2.5, False]]
    )
    assert table.rows[0] == {"a": "kept", "b": "5", "c": "true"}
    assert table.rows[1]["b"] == "2.5"


def test_columns_without_a_name_get_their_letter_and_equal_names_a_number(tmp_path: Path) -> None:
    table = sheet(tmp_path / "rows.xlsx", [["q", "", "q"], ["1", "2", "3"]])
    assert table.columns == ("q", "Column B", "q (2)")


def test_a_cell_far_away_is_refused_before_it_costs_memory(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "rows.xlsx", {"Mails": ROWS})
    damaged = tmp_path / "far.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(damaged, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'r="B3"', b'r="XFD1048576"'))
    assert "a cell in row 1,048,576, column 16,384" in refusal(lambda: read(damaged))


def test_a_locked_workbook_is_told(tmp_path: Path) -> None:
    path = tmp_path / "locked.xlsx"
    path.write_bytes((Path(__file__).parents[3] / "data" / "locked.xlsx").read_bytes())
    assert "protected by a password" in refusal(lambda: read(path))


def test_an_old_workbook_is_read(tmp_path: Path) -> None:
    table = read(Path(__file__).parents[3] / "data" / "layouts" / "workbook.xls")
    assert table.format == "xls"
    assert table.columns == ("question", "answer")


def test_a_workbook_named_csv_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "rows.xlsx", {"Mails": ROWS})
    os.rename(path, tmp_path / "rows.csv")
    source = open_source(tmp_path / "rows.csv")
    assert source.format == "xlsx"
    assert "The name ends in '.csv', but this is Excel" in source.notes[-1]


def test_a_filled_row_repeated_a_million_times_is_read_within_bounds(tmp_path: Path) -> None:
    tail = (
        '<table:table-row><table:table-cell table:number-columns-repeated="16384" '
        'office:value-type="string"><text:p xmlns:text="urn:oasis:names:tc:opendocument:xmlns:'
        'text:1.0">x</text:p></table:table-cell></table:table-row>'
    )
    path = write_ods(tmp_path / "rows.ods", {"Mails": ROWS}, tail=tail)
    assert "columns are more than the 1,000" in refusal(lambda: read(path))
