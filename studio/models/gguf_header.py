"""What a GGUF file says about itself: its metadata and tensor table, read without its weights.

The layout is that of the GGUF specification, versions 2 and 3, little endian.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from studio.errors import ModelProblem

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_SCALARS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q",
    12: "<d",
}  # fmt: skip
_LONGEST_KEPT_ARRAY = 64
# Elements and bytes of one block, by the type's number (ggml's table of tensor types).
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 30: (1, 2),
}  # fmt: skip


@dataclass(frozen=True)
class ArrayLength:
    """Stands for an array too long to keep, such as the vocabulary."""

    length: int


@dataclass(frozen=True)
class GgufTensor:
    """One row of the tensor table; `shape` begins with the fastest-moving dimension."""

    name: str
    shape: tuple[int, ...]
    type_number: int
    offset: int

    @property
    def end(self) -> int | None:
        """Where its bytes end, from the start of the data; None for a type we do not know."""
        if self.type_number not in _BLOCKS:
            return None
        elements, block_bytes = _BLOCKS[self.type_number]
        return self.offset + prod(self.shape) // elements * block_bytes


@dataclass(frozen=True)
class GgufHeader:
    """Metadata by its keys in the file, and the tensors."""

    metadata: dict[str, Any]
    tensors: tuple[GgufTensor, ...]

    @property
    def architecture(self) -> str:
        """llama.cpp's name of the architecture, e.g. `llama`."""
        return str(self.metadata.get("general.architecture", "unknown"))

    @property
    def title(self) -> str | None:
        """The model's name as its maker wrote it."""
        name = self.metadata.get("general.name")
        return str(name) if name else None

    @property
    def licence(self) -> str | None:
        """The licence's short name, e.g. `apache-2.0`."""
        licence = self.metadata.get("general.license")
        return str(licence) if licence else None

    @property
    def parameters(self) -> int:
        """The number of weights, each shared one once."""
        return sum(prod(tensor.shape) for tensor in self.tensors)

    def about(self, key: str) -> Any:
        """The value under the architecture's own prefix, e.g. `block_count`; None where absent."""
        return self.metadata.get(f"{self.architecture}.{key}")


def read_gguf_header(path: Path) -> GgufHeader:
    """The header of `path`. Raises ModelProblem when it is no GGUF file, too old or cut short."""
    try:
        with open(path, "rb") as file:
            if file.read(4) != _MAGIC:
                raise ModelProblem(
                    f"{path.name} is not a GGUF file: it does not begin with the letters 'GGUF'. "
                    "Choose a file saved by llama.cpp or a folder with safetensors."
                )
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return _read(content, path)
    except OSError as error:
        raise ModelProblem(f"{path} cannot be read: {error.strerror or error}.") from error
    except (struct.error, UnicodeDecodeError, IndexError, OverflowError) as error:
        raise ModelProblem(_cut_short(path)) from error


def _read(content: mmap.mmap, path: Path) -> GgufHeader:
    version, tensor_count, metadata_count = struct.unpack_from("<IQQ", content, 4)
    if version not in _VERSIONS:
        raise ModelProblem(
            f"{path.name} is GGUF version {version}; versions 2 and 3 can be read. "
            "Save it again with a newer llama.cpp."
        )
    reader = _Reader(content, 24)
    metadata = {}
    for _ in range(metadata_count):
        key = reader.text()
        metadata[key] = reader.value(reader.scalar("<I"))
    tensors = tuple(reader.tensor() for _ in range(tensor_count))
    alignment = int(metadata.get("general.alignment", 32))
    data_start = -(-reader.position // alignment) * alignment
    last = max((tensor.end or tensor.offset for tensor in tensors), default=0)
    if data_start + last > len(content):
        raise ModelProblem(_cut_short(path))
    return GgufHeader(metadata, tensors)


class _Reader:
    """A position in the file that moves on with each value read."""

    def __init__(self, content: mmap.mmap, position: int) -> None:
        self.content = content
        self.position = position

    def scalar(self, form: str) -> Any:
        (value,) = struct.unpack_from(form, self.content, self.position)
        self.position += struct.calcsize(form)
        return value

    def text(self) -> str:
        length = self.scalar("<Q")
        start = self.position
        self._skip(length)
        return self.content[start : self.position].decode("utf-8")

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array(self.scalar("<I"), self.scalar("<Q"))
        if kind not in _SCALARS:
            raise IndexError(f"there is no GGUF value type {kind}")
        return self.scalar(_SCALARS[kind])

    def tensor(self) -> GgufTensor:
        name = self.text()
        shape = tuple(self.scalar("<Q") for _ in range(self.scalar("<I")))
        return GgufTensor(name, shape, self.scalar("<I"), self.scalar("<Q"))

    def _array(self, kind: int, length: int) -> Any:
        if length <= _LONGEST_KEPT_ARRAY:
            return [self.value(kind) for _ in range(length)]
        if kind in _SCALARS:
            self._skip(length * struct.calcsize(_SCALARS[kind]))
        elif kind == _STRING:
            for _ in range(length):
                self._skip(self.scalar("<Q"))
        else:
            raise IndexError("an array of arrays this long is in no GGUF file we know")
        return ArrayLength(length)

    def _skip(self, count: int) -> None:
        self.position += count
        if self.position > len(self.content):
            raise IndexError("the file ends before its header does")


def _cut_short(path: Path) -> str:
    return (
        f"{path.name} is damaged or was cut short ({path.stat().st_size:,} bytes). "
        "Fetch it again, or choose another model."
    )
