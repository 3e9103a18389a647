"""Gradio's stub files are left alone, and Gradio is otherwise what it is."""

from __future__ import annotations

import subprocess
import sys

import pytest

ASKED = """
from pathlib import Path
seen, read = [], Path.read_text
Path.read_text = lambda self, *args, **more: seen.append(self.suffix) or read(self, *args, **more)
{first}
import gradio
box = gradio.Textbox("words", label="A box")
assert box.get_config()["label"] == "A box"
print(seen.count(".pyi"))
"""


@pytest.mark.parametrize(("first", "looks"), [("import studio.ui", False), ("", True)])
def test_importing_gradio_looks_at_no_stub_files(first: str, looks: bool) -> None:
    code = ASKED.format(first=first)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert (int(done.stdout) > 0) is looks
