"""Registries: a folder lists its things by itself, and its things are named as their files."""

import pytest

from studio.exporters import EXPORTERS
from studio.formats import FORMATS
from studio.methods import METHODS
from studio.objectives import OBJECTIVES
from studio.registry import discover
from studio.training.losses import LOSSES


@pytest.mark.parametrize("registry", [METHODS, OBJECTIVES, FORMATS])
def test_a_thing_is_called_as_its_file(registry: dict[str, object]) -> None:
    assert registry
    assert all(name == thing.name for name, thing in registry.items())  # type: ignore[attr-defined]


def test_each_format_has_its_exporter_and_each_objective_its_loss() -> None:
    assert set(EXPORTERS) == set(FORMATS)
    assert set(LOSSES) == set(OBJECTIVES)
    for name, function in (EXPORTERS | LOSSES).items():
        assert function.__name__ == name


def test_a_thing_of_another_kind_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="is not a int"):
        discover("studio.methods", "METHOD", int)
