"""What a base model on disk is: read from its files' headers, without torch or transformers."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from studio.errors import ModelProblem
from studio.models.architecture import Architecture, from_config, from_gguf, read_config
from studio.models.gguf_header import read_gguf_header
from studio.models.origin import read_origin
from studio.models.safetensors_header import SafetensorsHeader, read_header, shard_names

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
_LICENCES = {
    "Apache License": "apache-2.0",
    "MIT License": "mit",
    "LLAMA": "llama",
    "Gemma Terms of Use": "gemma",
}


@dataclass(frozen=True)
class Description:
    """A base model as the page and the commands show it.

    `source` is the folder or .gguf file; `bytes` counts its weight files; `parameters` counts each
    shared weight once; `licence` is the short name where the files give one.
    """

    source: Path
    name: str
    architecture: Architecture
    parameters: int
    bytes: int
    licence: str | None
    has_chat_template: bool
    weights: Literal["safetensors", "gguf"]


def describe(source: Path) -> Description:
    """Describe a model folder or a .gguf file. Raises ModelProblem when it cannot be used."""
    if source.is_dir():
        return _describe_folder(source)
    if source.suffix.lower() == ".gguf" and source.is_file():
        return _describe_gguf(source)
    if source.is_file():
        raise ModelProblem(
            f"{source} is a single file. Choose a folder with config.json and .safetensors files, "
            "or a .gguf file."
        )
    raise ModelProblem(f"There is nothing at {source}. Choose a model folder or a .gguf file.")


def _describe_folder(folder: Path) -> Description:
    config = read_config(folder)
    architecture = from_config(config, folder / "config.json")
    shards = _shards(folder)
    headers = [read_header(folder / name) for name in shards]
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        raise ModelProblem(
            f"{folder} holds no tokenizer (tokenizer.json or tokenizer.model). Copy it from where "
            "the model came from: without it no text can be read."
        )
    origin = read_origin(folder)
    parameters = _count(headers, architecture)
    return Description(
        source=folder,
        name=origin.title if origin else folder.name,
        architecture=replace(architecture, parameters=parameters),
        parameters=parameters,
        bytes=sum((folder / name).stat().st_size for name in shards),
        licence=origin.licence if origin and origin.licence else _licence(folder),
        has_chat_template=_has_chat_template(folder),
        weights="safetensors",
    )


def _describe_gguf(path: Path) -> Description:
    header = read_gguf_header(path)
    return Description(
        source=path,
        name=header.title or path.stem,
        architecture=from_gguf(header, path),
        parameters=header.parameters,
        bytes=path.stat().st_size,
        licence=header.licence,
        has_chat_template=bool(header.metadata.get("tokenizer.chat_template")),
        weights="gguf",
    )


def _shards(folder: Path) -> tuple[str, ...]:
    shards = shard_names(folder)
    if shards:
        return shards
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        raise ModelProblem(
            f"{folder} holds its weights only as '{pickles[0]}', a format that can run any code "
            "when it is opened, so it is refused. Look for the same model with .safetensors files, "
            "or, if you trust its maker, load it once with transformers and save it again with "
            "save_pretrained, which writes safetensors."
        )
    ggufs = sorted(path.name for path in folder.glob("*.gguf"))
    if ggufs:
        raise ModelProblem(f"{folder} holds a GGUF file: choose {folder / ggufs[0]} itself.")
    raise ModelProblem(f"{folder} holds no weights: there is no .safetensors file in it.")


def _count(headers: list[SafetensorsHeader], architecture: Architecture) -> int:
    """All numbers in the files; an output layer that repeats the tied embeddings counts once."""
    sizes = {tensor.name: tensor.elements for header in headers for tensor in header.tensors}
    if architecture.tied and len(sizes) > 1:
        sizes.pop("lm_head.weight", None)
    return sum(sizes.values())


def _has_chat_template(folder: Path) -> bool:
    if any((folder / name).is_file() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    return bool(_json_object(folder / "tokenizer_config.json").get("chat_template"))


def _licence(folder: Path) -> str | None:
    """The licence that the model card's head names, else that a licence file begins with."""
    for line in _lines(folder / "README.md")[:60]:
        if line.startswith("license:"):
            return line.removeprefix("license:").strip().strip("\"'") or None
    for path in sorted(folder.glob("LICENSE*")):
        head = " ".join(_lines(path)[:5])
        for words, name in _LICENCES.items():
            if words in head:
                return name
    return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _json_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
