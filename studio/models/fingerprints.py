"""The fingerprint of a model's files: what a run's spec freezes for a folder or .gguf file."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

from studio.errors import ModelProblem

# What a loader reads; notes, licences and pictures may change without changing the model.
_SUFFIXES = (".safetensors", ".json", ".jinja", ".model", ".txt")
_WHOLE_BYTES = 256 * 2**20
_BLOCK_BYTES = 64 * 2**10
_BLOCKS = 256


def fingerprint_folder(folder: Path) -> str:
    """64 hexadecimal letters that change when a file that a loader reads does.

    Files up to 256 MiB count whole; of larger ones the size, the beginning (a safetensors header
    lies there) and 256 blocks of 64 KiB spread evenly: enough to notice another model or an
    interrupted copy, not a single number changed by hand in between.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file())
    return _fingerprint(paths)


def fingerprint_file(path: Path) -> str:
    """The same for a single file."""
    return _fingerprint([path])


def _fingerprint(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        try:
            state = path.stat()
            content = _digest_of(path, state.st_size, state.st_mtime_ns)
        except OSError as error:
            raise ModelProblem(f"{path} cannot be read: {error.strerror or error}.") from error
        digest.update(f"{path.name}\0{state.st_size}\0{content}\n".encode())
    return digest.hexdigest()


@functools.lru_cache(maxsize=256)
def _digest_of(path: Path, size: int, changed_ns: int) -> str:
    """The digest of one file; size and time of change are its key in the cache."""
    with open(path, "rb") as file:
        if size <= _WHOLE_BYTES:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        for offset in _sampled_offsets(size):
            file.seek(offset)
            digest.update(file.read(_BLOCK_BYTES))
        return digest.hexdigest()


def _sampled_offsets(size: int) -> Iterator[int]:
    """The starts of the blocks: the first at 0, the last at the file's end."""
    last = size - _BLOCK_BYTES
    for number in range(_BLOCKS):
        yield last * number // (_BLOCKS - 1)
