"""What the command `data FILE` and the data page tell about a file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from studio.data.inspection import inspect
from studio.data.readers import read
from studio.errors import DataProblem

ROWS = "".join(f"What is {number}?;It is {number}.\n" for number in range(10))


def file_of(folder: Path, content: str, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_a_good_file_is_ready_without_problems(tmp_path: Path) -> None:
    told = inspect(read(file_of(tmp_path, f"frage;antwort\n{ROWS}"))).as_json()
    assert told["format"] == "csv"
    assert told["columns"] == ["frage", "antwort"]
    assert told["objective"] == "chat"
    assert told["mapping"] == {"prompt": "frage", "response": "antwort"}
    assert told["rows"] == told["ready"] == 10
    assert told["problems"] == []
    assert len(told["examples"]) == 3
    assert told["examples"][0]["messages"][1] == {"role": "assistant", "content": "It is 0."}
    assert told["words"] == "All 10 rows are ready."


def test_empty_answers_are_named_and_the_rest_is_ready(tmp_path: Path) -> None:
    path = file_of(tmp_path, f"glim;fnord\nWhy?;\n{ROWS}And?; \n")
    told = inspect(read(path), {"prompt": "glim", "response": "fnord"})
    (problem,) = told.problems
    assert (problem.check, problem.count, problem.rows) == ("empty_answer", 2, (2, 13))
    assert told.mapping.confidence == 1
    assert told.verdict == "10 of 12 rows are ready; 2 need a look."


def test_one_column_is_told_in_words(tmp_path: Path) -> None:
    told = inspect(read(file_of(tmp_path, "nr\n1\n2\n"))).as_json()
    assert (told["mapping"], told["confidence"], told["ready"]) == ({}, 0, 0)
    assert told["problems"][0]["check"] == "columns"
    assert "needs columns with a question and its answer" in told["problems"][0]["words"]


def test_a_wrong_choice_names_every_field(tmp_path: Path) -> None:
    path = file_of(tmp_path, f"frage;antwort\n{ROWS}")
    with pytest.raises(DataProblem, match="Did you mean 'frage'") as caught:
        inspect(read(path), {"prompt": "farge", "reply": "antwort"})
    assert {problem.field for problem in caught.value.fields} >= {
        "data.columns.prompt",
        "data.columns.reply",
        "data.columns.response",
    }


def test_conversations_in_jsonl_are_ready(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    lines = "\n".join(
        json.dumps({"messages": [*messages, *messages], "n": number}) for number in range(3)
    )
    told = inspect(read(file_of(tmp_path, lines, "rows.jsonl"))).as_json()
    assert told["mapping"] == {"messages": "messages"}
    assert told["ready"] == 3


def test_reading_data_loads_no_heavy_library() -> None:
    code = (
        "import sys, studio.data.inspection, studio.library;"
        "print({'torch', 'transformers', 'datasets', 'pyarrow', 'pandas', 'alembic'}"
        " & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
