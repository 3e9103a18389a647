"""Duration: the operations of a run divided by this machine's rate, as a range."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from studio.estimator.microbatch import RunShape

# A step reaches this share of the rate of a bare matrix product; the rest goes into everything that
# is not a product. The starter model on 2 quiet CPU cores: 0.56 (LoRA), 0.68 (full), in its quickest
# steps. Where other programs run beside it, less: hence the wide range upwards.
_SHARE, _LOW_SHARE, _HIGH_SHARE = 0.55, 0.9, 0.2
# Looking at a row without training on it: the forward pass, a third of a full step.
_EVALUATION_SHARE = 1 / 3


@dataclass(frozen=True)
class Duration:
    """Seconds of the whole run: the likeliest, and the range that it should stay in."""

    seconds: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """Rounded to whole seconds."""
        return {name: float(round(value)) for name, value in asdict(self).items()}


def duration(flops: int, run: RunShape, operations_per_s: float) -> Duration | None:
    """`flops` are those of the largest micro-batch; a place costs the same in the others, nearly.

    Nearly: attention grows with the square of the length, so short rows are cheaper than this says.
    None where the number of steps is not known.
    """
    if not run.places:
        return None
    places = run.places + run.evaluated_places * _EVALUATION_SHARE
    seconds = flops / run.largest.places * places / operations_per_s
    return Duration(seconds / _SHARE, seconds / _LOW_SHARE, seconds / _HIGH_SHARE)
