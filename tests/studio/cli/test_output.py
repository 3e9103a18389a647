"""Words and documents go where they belong."""

import pytest

from studio.cli.output import Output, in_gigabytes, table


def test_with_json_words_stay_off_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(is_json=True)
    output.say("Working …")
    output.result({"done": "ü"}, "Done.")

    captured = capsys.readouterr()
    assert captured.out == '{\n "done": "ü"\n}\n'
    assert captured.err == "Working …\n"


def test_a_table_is_as_wide_as_its_cells() -> None:
    assert table(["A", "B"], [["long", "x"]]) == "A     B\n----  -\nlong  x"


def test_sizes_are_for_people() -> None:
    assert (in_gigabytes(540_000_000), in_gigabytes(1_500_000)) == ("0.54 GB", "1.5 MB")
