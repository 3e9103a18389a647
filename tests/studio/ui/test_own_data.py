"""A person's data behind the form: looked through, mended, undone, and the same after a restart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from studio.cli.main import main
from studio.errors import AskedWrongly
from studio.settings import Home
from studio.ui.backstage import Backstage
from studio.ui.draft import Draft
from studio.ui.own_data import OwnData
from tests import tiny
from tests.studio.checks.planted import COLUMNS, PLANTED, workbook


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def data(home: Home) -> OwnData:
    return Backstage(home).own_data


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    """A file of 26 rows: in row 26 an address, row 27 says what row 2 says. No model is chosen."""
    file = tiny.write_csv(tmp_path / "rows.csv", 24)
    second = file.read_text(encoding="utf-8").splitlines()[1]
    with open(file, "a", encoding="utf-8") as more:
        more.write(f"Where do I write to?,To ana.b@shop.example\n{second}\n")
    return Draft(model_from="path", data_from="path", data_path=str(file))


def checks(data: OwnData, draft: Draft) -> dict[str, tuple[int, ...]]:
    return {found.check.name: found.numbers for found in data.report(draft).found}


def test_what_is_found_is_mended_and_undone_step_by_step(data: OwnData, draft: Draft) -> None:
    assert checks(data, draft) == {"personal": (26,), "duplicates": (27,)}

    masked = data.fix(draft, "personal", "mask")
    single = data.fix(masked, "duplicates", "leave_out")

    assert checks(data, single) == {}
    assert data.report(single).verdict == "All 25 rows are ready."
    assert data.found(single).table.rows[24]["answer"] == "To [EMAIL]"
    assert [version.words for version in data.history(single)][1].endswith("1 row left out.")
    assert single.fixed_dataset not in (None, masked.fixed_dataset)

    back = data.undo(data.undo(single))
    assert checks(data, back) == {"personal": (26,), "duplicates": (27,)}
    assert (back.fixed_dataset, data.history(back)) == (None, [])
    with pytest.raises(AskedWrongly, match="nothing to undo"):
        data.undo(back)


def test_the_command_finds_in_a_workbook_what_the_page_finds(
    data: OwnData, home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = workbook(tmp_path / "mails.xlsx")
    draft = Draft(model_from="path", data_from="path", data_path=str(file), held_out=0.1)
    by_hand = replace(draft, columns=COLUMNS, columns_for=draft.mapped)
    columns = [word for role in COLUMNS.items() for word in ("--column", "=".join(role))]
    assert main(["data", str(file), *columns, "--json", "--home", str(home.folder)]) == 0
    told = json.loads(capsys.readouterr().out)
    found, report = data.found(by_hand), data.report(by_hand)

    assert {**found.as_json(), "ready": report.ready} == {
        **{name: told[name] for name in found.as_json()},
        "problems": found.as_json()["problems"],
        "words": found.verdict,
    }
    assert [each.as_json() for each in report.found] == told["problems"]
    assert report.verdict == told["words"] == "26 of 34 rows are ready; 8 need a look."
    rows = {each["check"]: each["rows"] for each in told["problems"]}
    assert all(row in rows[check] for check, _, row in PLANTED)


def test_a_fix_of_what_was_mended_already_is_refused_in_words(data: OwnData, draft: Draft) -> None:
    masked = data.fix(draft, "personal", "mask")
    with pytest.raises(AskedWrongly, match="mended already"):
        data.fix(masked, "personal", "mask")


def test_cells_are_written_and_rows_left_out_by_the_files_numbers(
    data: OwnData, draft: Draft
) -> None:
    gone = data.leave_out(draft, [2, 27])
    written = data.write(gone, 26, "answer", "To the desk")

    assert data.cell(draft, 26, "answer") == "To ana.b@shop.example"
    assert data.cell(written, 26, "answer") == "To the desk"
    assert checks(data, written) == {}
    assert len(data.found(written).table.rows) == 24
    with pytest.raises(AskedWrongly, match="There is no row 27"):
        data.cell(written, 27, "answer")
    with pytest.raises(AskedWrongly, match="Choose the column"):
        data.write(draft, 3, "nowhere", "x")


def test_another_server_finds_the_fixes_by_the_draft_alone(
    data: OwnData, draft: Draft, home: Home
) -> None:
    masked = data.fix(draft, "personal", "mask")
    other = Backstage(home).own_data
    kept = Draft.from_json(masked.to_json())

    assert checks(other, kept) == {"duplicates": (27,)}
    assert [version.id for version in other.history(kept)] == [int(masked.version)]


def test_a_file_that_was_changed_since_is_read_anew_without_the_fixes(
    data: OwnData, draft: Draft
) -> None:
    masked = data.fix(draft, "personal", "mask")
    with open(draft.data_file, "a", encoding="utf-8") as more:
        more.write("Is it open?,Yes\n")

    assert data.history(masked) == []
    assert len(data.found(masked).table.rows) == 27


def test_fixes_of_one_file_do_not_hold_for_another(
    data: OwnData, draft: Draft, tmp_path: Path
) -> None:
    masked = data.fix(draft, "personal", "mask")
    other = replace(masked, data_path=str(tiny.write_csv(tmp_path / "other.csv", 30)))

    assert other.fixed_dataset is None
    assert data.history(other) == []


def test_the_spec_of_a_mended_file_names_the_version(data: OwnData, draft: Draft) -> None:
    masked = replace(data.fix(draft, "personal", "mask"), model_from="starter")
    spec = masked.to_spec()

    assert spec.data.dataset == masked.fixed_dataset
    assert spec.data.columns == {"prompt": "question", "response": "answer"}


def test_what_was_found_is_not_looked_for_again(data: OwnData, draft: Draft) -> None:
    assert data.known_report(draft) is None
    assert data.report(draft) is data.report(replace(draft, name="Another name"))
    assert data.known_report(draft) is not None
