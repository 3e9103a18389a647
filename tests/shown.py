"""Whether what must be shown has a test by that name which runs by default."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parent


def assert_it_has_its_test(file: str, name: str) -> None:
    """Fail where `file`, from the tests' folder, has no `test_{name}`, or it is a long or a skipped one."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    found = [each for each in tree.body if getattr(each, "name", "") == f"test_{name}"]

    assert found, f"there is no test_{name} in {file}"
    marks = {ast.unparse(mark) for each in found for mark in getattr(each, "decorator_list", ())}
    assert not any("long" in mark or "skip" in mark for mark in marks), "it runs by default"
