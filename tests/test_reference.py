"""The reference pages say what the code says."""

import re

import pytest

from tests.reference import DOCS, pages

PAGES = pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_up_to_date(name: str) -> None:
    found = (DOCS / name).read_text(encoding="utf-8")

    assert found == PAGES[name], "Write it anew: python -m tests.reference"


def test_every_method_setting_and_format_has_its_place() -> None:
    from studio.formats import FORMATS
    from studio.methods import METHODS

    for method in METHODS.values():
        assert f"## `{method.name}`" in PAGES["methods.md"]
        assert all(f"| `{name}` |" in PAGES["methods.md"] for name in method.settings.model_fields)
    assert all(f"## `{name}`" in PAGES["formats.md"] for name in FORMATS)


def test_a_rate_of_ours_is_named_and_every_other_has_its_source() -> None:
    from studio.methods import METHODS

    (line,) = (
        each for each in PAGES["methods.md"].splitlines() if "without a published source" in each
    )
    for method in METHODS.values():
        is_ours = method.rate_source.startswith("ours")
        assert (f"`{method.name}`" in line) == is_ours
        assert is_ours or re.search(r"arXiv:|github\.com/|PEFT's|paper|README", method.rate_source)


def test_every_cell_of_the_comparison_has_a_figure_or_a_source_or_says_that_nobody_measured() -> (
    None
):
    from tests.claims import rows

    known = r"\d|arXiv:|`bench |nobody|not known"
    bare = [so for cells in rows().values() for _, so in cells if not re.search(known, so)]

    assert bare == []


def test_the_readme_says_how_many_methods_there_are() -> None:
    from studio.methods import METHODS

    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert f"out of {len(METHODS)}, or take" in " ".join(readme.split())


def test_every_kind_of_file_and_every_layout_has_its_line() -> None:
    from studio.data.readers import READERS
    from studio.data.shapes import SHAPES

    page = PAGES["data.md"]
    assert all(f"| `{name}` | {reader.title} |" in page for name, reader in READERS.items())
    assert all(f"| {shape.title} |" in page for shape in SHAPES.values())


def test_every_check_and_every_fix_has_its_line() -> None:
    from studio.checks import CHECKS

    lines = PAGES["data.md"].splitlines()
    for name, check in CHECKS.items():
        (line,) = (each for each in lines if each.startswith(f"| `{name}` |"))
        assert check.title in line
        assert all(fix.title in line for fix in check.fixes)


def test_every_setting_of_training_and_of_each_objective_is_explained() -> None:
    from studio.objectives import OBJECTIVES
    from studio.spec import Training

    page = (DOCS / "training.md").read_text(encoding="utf-8")
    sections = (Training, *(objective.settings for objective in OBJECTIVES.values()))
    names = {name for section in sections for name in section.model_fields}

    assert {
        name for name in names if not re.search(rf"`{name}[`:]|`[^`\n]*\b{name}\b", page)
    } == set()
