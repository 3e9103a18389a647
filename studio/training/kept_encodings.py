"""Kept encodings: rows that were tokenised once, found again by what they were made of."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jobs import durable
from studio.spec import ObjectiveChoice
from studio.training.packed_rows import PackedRows

LIMIT_BYTES = 4_000_000_000
"""All kept encodings together; the ones that were not wanted for the longest time go first."""

# To be raised whenever objectives encode an example in another way.
_WAY = 2
_WEIGHTS = {".safetensors", ".bin", ".gguf", ".pt", ".pth"}
_SPARE_SHARE = 0.5


@dataclass(frozen=True)
class KeptEncodings:
    """The folder of a data home that holds them, one folder each, named by `key_of`."""

    folder: Path
    limit_bytes: int = LIMIT_BYTES

    def find(self, key: str) -> PackedRows | None:
        """The rows kept under a key; None where there are none, or not whole."""
        place = self.folder / key
        try:
            rows = PackedRows.open(place)
            os.utime(place)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            shutil.rmtree(place, ignore_errors=True)
            return None
        return rows

    def keep(self, key: str, rows: PackedRows) -> bool:
        """Keep rows, whose bytes are made room for; False, and nothing kept, where that cannot be.

        Without them all goes on as before, only slower: a full or broken disk is no error here.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
            if rows.bytes > min(self.limit_bytes, _SPARE_SHARE * free):
                return False
            self._make_room(rows.bytes)
            with durable.new_folder(self.folder / key) as new:
                rows.save(new)
        except OSError:
            return (self.folder / key).exists()
        return True

    def _make_room(self, wanted_bytes: int) -> None:
        """Remove what was not wanted for the longest time, and what a kill left unfinished an hour ago."""
        for left in self.folder.glob(f".*{durable.ENDING}"):
            if time.time() - left.stat().st_mtime > 3600:
                shutil.rmtree(left, ignore_errors=True)
        kept = sorted(self.folder.glob("[!.]*"), key=lambda place: place.stat().st_mtime)
        sizes = {place: sum(file.stat().st_size for file in place.iterdir()) for place in kept}
        total = sum(sizes.values()) + wanted_bytes
        for place in kept:
            if total <= self.limit_bytes:
                return
            shutil.rmtree(place, ignore_errors=True)
            total -= sizes[place]


def key_of(
    dataset: str, columns: Mapping[str, str], choice: ObjectiveChoice, tokenizer: Any
) -> str:
    """A name for the encoded rows of a dataset: by its hash, the columns' roles, the objective with its
    settings, and the tokenizer with its template. Not by the length that rows are cut to: they are
    kept whole, so that another length finds them, too.
    """
    document = [
        _WAY,
        dataset,
        dict(sorted(columns.items())),
        choice.name,
        choice.settings.model_dump(mode="json"),
        _of_tokenizer(tokenizer),
    ]
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def _of_tokenizer(tokenizer: Any) -> list[Any]:
    """What decides how a tokenizer writes a text: its own parts, its template, the libraries."""
    template = str(tokenizer.chat_template)
    return [
        type(tokenizer).__name__,
        _parts_of(tokenizer),
        {name: str(token) for name, token in sorted(tokenizer.special_tokens_map.items())},
        sorted((at, repr(token)) for at, token in tokenizer.added_tokens_decoder.items()),
        template,
        # Some templates write the day into every conversation.
        time.strftime("%Y-%m-%d") if "strftime_now" in template else "",
        version("transformers"),
        version("tokenizers"),
    ]


def _parts_of(tokenizer: Any) -> list[Any]:
    """The hashes of the files that a tokenizer was read from; of one made in memory, that of itself.

    To write a tokenizer down takes as long as to encode a hundred rows, to read its files does not.
    """
    folder = Path(tokenizer.name_or_path or "")
    files = [] if not tokenizer.name_or_path else sorted(folder.glob("*"))
    read = [file for file in files if file.is_file() and file.suffix not in _WEIGHTS]
    if not read:
        return [hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()]
    return [[file.name, hashlib.sha256(file.read_bytes()).hexdigest()] for file in read]
