"""The task `convert`: a GGUF becomes a folder that trains."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from jobs.context import TaskContext
from studio.models.origin import Origin, read_origin
from studio.tasks.convert import convert
from studio.training import loading
from tests.studio.models.ggufs import write_gguf


def test_a_gguf_becomes_a_folder_that_says_where_it_came_from(
    tmp_path: Path, tiny_model: Path
) -> None:
    origin = Origin("Tiny One", "somewhere", "files:abc", "apache-2.0")
    target = tmp_path / "models" / "gguf-abc"
    spec = {
        "source": "somewhere",
        "revision": "files:abc",
        "target": str(target),
        "gguf": str(write_gguf(tiny_model, tmp_path / "tiny.gguf")),
        "origin": asdict(origin),
    }

    assert convert(TaskContext(1, spec, tmp_path)) == {"folder": str(target)}
    assert read_origin(target) == origin
    assert loading.load_tokenizer(target).chat_template
