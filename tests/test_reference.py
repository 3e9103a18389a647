"""The reference pages say what the code says."""

import pytest

from tests.reference import DOCS, pages


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_generated_page_is_up_to_date(name: str) -> None:
    found = (DOCS / name).read_text(encoding="utf-8")

    assert found == pages()[name], "Write it anew: python -m tests.reference"


def test_every_method_setting_and_format_has_its_place() -> None:
    from studio.formats import FORMATS
    from studio.methods import METHODS

    for method in METHODS.values():
        assert f"## `{method.name}`" in pages()["methods.md"]
        assert all(
            f"| `{name}` |" in pages()["methods.md"] for name in method.settings.model_fields
        )
    assert all(f"## `{name}`" in pages()["formats.md"] for name in FORMATS)
