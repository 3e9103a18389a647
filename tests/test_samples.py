"""Samples leave nothing out: each row and column is in the default tests, every pair in the long ones."""

from tests.samples import sampled

ROWS = [f"row {number}" for number in range(30)]
COLUMNS = [f"column {number}" for number in range(22)]


def test_every_pair_is_there_and_each_row_and_column_is_in_the_sample() -> None:
    found = sampled(ROWS, COLUMNS, each=2)

    assert {each.values for each in found} == {(row, column) for row in ROWS for column in COLUMNS}
    default = [each.values for each in found if not each.marks]
    assert len(default) == 2 * len(ROWS)
    assert {row for row, _ in default} == set(ROWS)
    assert {column for _, column in default} == set(COLUMNS)
