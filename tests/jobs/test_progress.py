"""Log and metrics, read while they are written."""

from __future__ import annotations

from pathlib import Path

from jobs.context import TaskContext
from jobs.progress import last_metrics, read_log, read_metrics


def write(folder: Path, name: str, content: bytes) -> None:
    with open(folder / name, "ab") as file:
        file.write(content)


def test_before_anything_is_written_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "not-there") == ([], 0)
    assert read_log(tmp_path / "not-there") == ("", 0)
    assert last_metrics(tmp_path) is None


def test_metrics_are_read_on_from_an_offset(tmp_path: Path) -> None:
    context = TaskContext(1, {}, tmp_path)
    context.report(1, 9, loss=2.0)
    first, offset = read_metrics(tmp_path)
    context.report(2, 9, loss=1.0)
    second, _ = read_metrics(tmp_path, offset)
    assert [line["step"] for line in first + second] == [1, 2]
    assert last_metrics(tmp_path) == second[0]


def test_a_line_still_being_written_is_left_for_the_next_look(tmp_path: Path) -> None:
    write(tmp_path, "metrics.jsonl", b'{"step": 1}\n{"st')
    lines, offset = read_metrics(tmp_path)
    write(tmp_path, "metrics.jsonl", b'ep": 2}\n')
    assert lines == [{"step": 1}]
    assert read_metrics(tmp_path, offset)[0] == [{"step": 2}]


def test_a_torn_line_is_left_out_and_the_next_attempt_begins_a_new_one(tmp_path: Path) -> None:
    write(tmp_path, "metrics.jsonl", b'{"step": 1}\n{"step": 2, "lo')
    TaskContext(1, {}, tmp_path, attempt=2).report(2, 9)
    assert [line["step"] for line in read_metrics(tmp_path)[0]] == [1, 2]


def test_a_long_log_is_read_piece_by_piece(tmp_path: Path) -> None:
    write(tmp_path, "log.txt", b"abcdef")
    assert read_log(tmp_path, 0, 4) == ("abcd", 4)
    assert read_log(tmp_path, 4, 4) == ("ef", 6)
    assert read_log(tmp_path, 6, 4) == ("", 6)


def test_the_end_of_a_log_can_be_asked_for(tmp_path: Path) -> None:
    write(tmp_path, "log.txt", b"abcdef")
    assert read_log(tmp_path, -2) == ("ef", 6)
    assert read_log(tmp_path, -99) == ("abcdef", 6)


def test_a_letter_of_several_bytes_is_never_cut_in_two(tmp_path: Path) -> None:
    write(tmp_path, "log.txt", "aé→𝄞z".encode())
    text, offset = "", 0
    for _ in range(9):
        piece, offset = read_log(tmp_path, offset, 4)
        text += piece
    assert text == "aé→𝄞z"


def test_bytes_that_are_no_text_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "log.txt", b"a\xff\xfeb")
    assert read_log(tmp_path) == ("a\ufffd\ufffdb", 4)
