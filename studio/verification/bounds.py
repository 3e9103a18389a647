"""The bounds of verification: what may differ between an export and the model that was trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# fp32: the largest difference of a logit, as a share of the largest logit; argmax equal everywhere.
LARGEST_LOGIT_SHARE = 1e-3
# 16 bits: mean Kullback-Leibler divergence a position, in nats; argmax equal at this share.
LARGEST_KL = 5e-3
ARGMAX_SHARE_16_BIT = 0.95
# The base model must lie at least this many times further from the export than the tuned model.
BASE_FACTOR = 10.0
MINIMUM_ROWS = 8


@dataclass(frozen=True)
class Difference:
    """How far an export lies from the tuned model, over all positions of all rows.

    `max_logit`: largest difference over the largest logit; `kl`: mean divergence in nats;
    `argmax_equal`: share of positions with the same likeliest token; `to_base`: how many times
    further the base lies than the tuned model (None where training changed nothing).
    """

    max_logit: float
    kl: float
    argmax_equal: float
    to_base: float | None


@dataclass(frozen=True)
class Verdict:
    """Whether an export is what was trained; `words` say what was compared, or what is wrong."""

    verified: bool
    difference: Difference | None
    words: str

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Verdict:
        """The verdict in JSON data."""
        found = document["difference"]
        return cls(document["verified"], Difference(**found) if found else None, document["words"])


def judge(difference: Difference, *, is_16_bit: bool, rows: int) -> Verdict:
    """Hold a difference against the bounds of its number format, and against the base model."""
    if is_16_bit:
        is_close = difference.kl <= LARGEST_KL and difference.argmax_equal >= ARGMAX_SHARE_16_BIT
    else:
        is_close = difference.max_logit <= LARGEST_LOGIT_SHARE and difference.argmax_equal == 1.0
    to_base = difference.to_base
    if to_base is not None and to_base < 1.0:
        words = (
            "This export is not the trained model: the base model lies nearer to it. It was not kept. "
            "Export it again; if that gives the same, report it."
        )
    elif not is_close:
        words = (
            "The export answers differently from the trained model "
            f"(largest difference {difference.max_logit:.2g}, divergence {difference.kl:.2g}, same next "
            f"word at {difference.argmax_equal:.1%} of all places). It was not kept."
        )
    elif to_base is not None and to_base < BASE_FACTOR:
        words = (
            "Training changed the model so little that this export cannot be told from the base model "
            "for sure. Export it with 32 bits (number format fp32), or train longer."
        )
    else:
        words = (
            f"Loaded again in a fresh process and compared on {rows} rows: it is the trained model."
        )
        return Verdict(True, difference, words)
    return Verdict(False, difference, words)
