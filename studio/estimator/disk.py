"""Disk space of a run: what it keeps while it goes on, and what an export of it will take."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from studio.estimator.files import Written
from studio.formats import FORMATS, Weights
from studio.spec import TrainSpec

# Beside the tensors a checkpoint holds random states and where the run stands; an export its settings and
# its card.
_CHECKPOINT_BESIDE, _EXPORT_BESIDE = 16_000, 8_000
# What a tokenizer is made of, in a model's folder.
_TOKENIZER = (
    "tokenizer",
    "vocab",
    "merges",
    "special_tokens",
    "added_tokens",
    "chat_template",
    "spiece",
)
# About, of a tokenizer that has yet to be written: its words with how they are put together.
_BYTES_A_WORD = 70


@dataclass(frozen=True)
class Disk:
    """Bytes: of one checkpoint and of all that are kept, of the result, of a merged export, free now.

    `exports` are the sizes of all kinds of export whose size is known before, by the format's name.
    `layer_cache_bytes` is what the untrained lower layers give for every row, there while it runs.
    """

    checkpoint_bytes: int
    checkpoints_bytes: int
    trained_bytes: int
    merged_bytes: int
    free_bytes: int
    layer_cache_bytes: int = 0
    exports: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The bytes by name."""
        return asdict(self)


def disk(
    files: Written,
    spec: TrainSpec,
    whole_bytes: int,
    free_bytes: int,
    *,
    layer_cache_bytes: int = 0,
    tokenizer_bytes: int = 0,
) -> Disk:
    """Sizes of what `files` tells; `whole_bytes` are those of the base's weights as they are trained."""
    training = spec.training
    checkpoint = files.checkpoint + _CHECKPOINT_BESIDE
    # The newest is kept whatever the limit.
    limit = training.checkpoint_bytes or checkpoint * training.keep_checkpoints
    kept = max(checkpoint, min(limit, checkpoint * training.keep_checkpoints))
    return Disk(
        checkpoint_bytes=checkpoint,
        # A new checkpoint is complete before the oldest one goes; the best stays besides.
        checkpoints_bytes=kept + checkpoint * (2 if training.early_stopping else 1),
        trained_bytes=files.result,
        merged_bytes=whole_bytes,
        free_bytes=free_bytes,
        layer_cache_bytes=layer_cache_bytes,
        exports=_exports(spec, files.result, whole_bytes, tokenizer_bytes + _EXPORT_BESIDE),
    )


def tokenizer_bytes(source: Path, words: int) -> int:
    """Of the tokenizer that an export brings along: as large as that in the base's folder `source`; of a
    .gguf file, about what one of so many words takes."""
    if not source.is_dir():
        return words * _BYTES_A_WORD
    return sum(file.stat().st_size for file in source.iterdir() if file.name.startswith(_TOKENIZER))


def _exports(spec: TrainSpec, trained: int, whole: int, beside: int) -> dict[str, int]:
    """What each export takes that this method allows: where the base itself was trained there is no
    adapter to export, and not every adapter can be merged."""
    method, weights = spec.method.method, Weights(trained, whole)
    is_full = method.family == "full"
    sizes = {
        name: format_.bytes_of(weights)
        for name, format_ in FORMATS.items()
        if not (is_full and format_.needs_adapter)
        and (is_full or method.is_mergeable or not format_.merges)
    }
    return {name: size + beside for name, size in sizes.items() if size is not None}
