"""Disk space of a run: what it keeps while it goes on, and what an export of it will take."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from studio.formats import FORMATS, Weights
from studio.spec import TrainSpec
from studio.training.adapters import Counts

# What trains is held and saved in float32 (PEFT keeps adapters so, full fine-tuning its weights).
_TRAINED_BYTES = 4
# Bytes that an optimizer keeps for each trained number: AdamW two numbers of 4 bytes, or of 1 with a
# scale of 4 for each 256; SGD without momentum none.
OPTIMIZER_BYTES = {
    "adamw": 8.0,
    "adamw_8bit": 2 * (1 + 4 / 256),
    "paged_adamw_8bit": 2 * (1 + 4 / 256),
    "sgd": 0.0,
}


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
    counts: Counts,
    spec: TrainSpec,
    weight_bytes: int,
    free_bytes: int,
    layer_cache_bytes: int = 0,
) -> Disk:
    """Sizes from the counts alone; names and headers of files add a few kilobytes."""
    trained = counts.trainable * _TRAINED_BYTES
    checkpoint = trained + int(counts.trainable * OPTIMIZER_BYTES[spec.training.optimizer])
    is_full = spec.method.method.family == "full"
    # The newest is kept whatever the limit.
    limit = spec.training.checkpoint_bytes or checkpoint * spec.training.keep_checkpoints
    kept = max(checkpoint, min(limit, checkpoint * spec.training.keep_checkpoints))
    base = counts.total if is_full else counts.total - counts.trainable
    return Disk(
        checkpoint_bytes=checkpoint,
        # A new checkpoint is complete before the oldest one goes; the best stays besides.
        checkpoints_bytes=kept + checkpoint * (2 if spec.training.early_stopping else 1),
        trained_bytes=trained,
        merged_bytes=base * weight_bytes,
        free_bytes=free_bytes,
        layer_cache_bytes=layer_cache_bytes,
        exports=_exports(Weights(trained, base * weight_bytes), is_full=is_full),
    )


def _exports(weights: Weights, *, is_full: bool) -> dict[str, int]:
    """What each export takes; where the base itself was trained there is no adapter to export."""
    sizes = {
        name: format_.bytes_of(weights)
        for name, format_ in FORMATS.items()
        if not (is_full and format_.needs_adapter)
    }
    return {name: size for name, size in sizes.items() if size is not None}
