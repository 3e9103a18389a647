"""The fresh process: the same verdict as the comparison that it carries out, and none when it dies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.settings import Home
from studio.verification.bounds import Verdict
from studio.verification.comparison import compare
from studio.verification.fresh import FreshProcess
from tests.studio.verification.exports import export


def test_the_fresh_process_gives_the_same_verdict(
    trained_home: Home, tiny_model: Path, reference: Path, tmp_path: Path
) -> None:
    out = export(trained_home, "merged", tmp_path / "out")

    with FreshProcess() as fresh:
        verdict = fresh.verify(out, tiny_model, "float32", reference)

    assert verdict == compare(out, tiny_model, "float32", reference)
    assert verdict == Verdict.from_json(json.loads((reference / "verdict.json").read_text()))


def test_a_fresh_process_that_dies_verifies_nothing(tmp_path: Path) -> None:
    with FreshProcess() as fresh:
        verdict = fresh.verify(tmp_path / "out", tmp_path, "float32", tmp_path / "none here")

    assert not verdict.verified
    assert "could not be checked" in verdict.words


def test_a_fresh_process_that_is_asked_nothing_leaves_with_the_one_that_started_it() -> None:
    with pytest.raises(KeyError), FreshProcess() as fresh:
        raise KeyError("the export failed")

    assert fresh._process.poll() is not None
