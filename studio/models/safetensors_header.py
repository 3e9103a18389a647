"""What safetensors files say of themselves: names, types and shapes, without the weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from studio.errors import ModelProblem

INDEX_NAME = "model.safetensors.index.json"
SINGLE_NAME = "model.safetensors"
_LARGEST_HEADER_BYTES = 100_000_000  # the format's own limit


@dataclass(frozen=True)
class StoredTensor:
    """One tensor of a file: `dtype` as the format spells it, e.g. `BF16`."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


@dataclass(frozen=True)
class SafetensorsHeader:
    """The tensors of one file, in the file's order, and the header's own bytes."""

    tensors: tuple[StoredTensor, ...]
    raw: bytes


def read_header(path: Path) -> SafetensorsHeader:
    """The header of `path`. Raises ModelProblem when it is damaged or the file is cut short."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(_LARGEST_HEADER_BYTES, size - 8):
                raise ModelProblem(_damaged(path, "its header is cut short"))
            raw = file.read(length)
        tensors, data_bytes = _parse(json.loads(raw))
    except OSError as error:
        raise ModelProblem(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelProblem(_damaged(path, "its header is not one of safetensors")) from error
    if size != 8 + length + data_bytes:
        missing = 8 + length + data_bytes - size
        words = f"{missing:,} bytes are missing" if missing > 0 else f"{-missing:,} bytes too many"
        raise ModelProblem(_damaged(path, words))
    return SafetensorsHeader(tensors, raw)


def shard_names(folder: Path) -> tuple[str, ...]:
    """The safetensors files that make up the model in `folder`, by its index where it has one.

    Empty where the folder holds none. Raises ModelProblem when the index is damaged or names a
    file that is not there.
    """
    index = folder / INDEX_NAME
    if (folder / SINGLE_NAME).is_file():
        return (SINGLE_NAME,)
    if not index.is_file():
        return tuple(sorted(path.name for path in folder.glob("*.safetensors") if path.is_file()))
    names = names_in_index(index)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelProblem(
            f"{folder} is incomplete: {len(missing)} of {len(names)} weight files that "
            f"'{INDEX_NAME}' names are missing, first '{missing[0]}'. Copy or fetch them again."
        )
    return names


def names_in_index(index: Path) -> tuple[str, ...]:
    """The files that an index names, sorted. Raises ModelProblem when it is no index."""
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelProblem(_damaged(index, "it is no list of weight files")) from error
    if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise ModelProblem(_damaged(index, "it names files outside its folder, or none"))
    return tuple(names)


def _parse(header: dict[str, Any]) -> tuple[tuple[StoredTensor, ...], int]:
    """The tensors and the number of data bytes that they claim."""
    tensors, data_bytes = [], 0
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        _, end = entry["data_offsets"]
        data_bytes = max(data_bytes, int(end))
        tensors.append(StoredTensor(name, str(entry["dtype"]), tuple(map(int, entry["shape"]))))
    return tuple(tensors), data_bytes


def _damaged(path: Path, reason: str) -> str:
    return f"{path} is damaged: {reason}. Copy or fetch it again."
