"""Spikes: which steps are left out because their numbers broke down or their loss jumped, and what follows."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace

from studio.errors import StudioError
from studio.spec import Training

# Of so many accepted steps the newest losses are kept; fewer than half of them judge nothing.
WINDOW = 32
# A step left out changes no weight: so many in a row mean that the weights are past mending.
MOST_IN_A_ROW = 3
# The share of the rate that is left after each step that was left out, with "lower_rate".
RATE_LEFT = 0.5
# A jump: more than twice the middle of the recent losses and one more, and far outside their spread.
# The middle absolute deviation times 1.4826 is the standard deviation of a normal spread.
_DEVIATIONS = 6 * 1.4826


@dataclass(frozen=True)
class Spikes:
    """What the steps so far amount to; lies in every checkpoint, so that a resumed run judges alike."""

    losses: tuple[float, ...] = ()
    rate_factor: float = 1.0
    skipped: int = 0
    in_a_row: int = 0


@dataclass(frozen=True)
class Judgement:
    """Whether a step's update is made, what is known from then on, and what a person should read."""

    applies: bool
    spikes: Spikes
    words: str | None = None


def limit(spikes: Spikes) -> float:
    """The loss above which the next step is a jump; infinite while too little is known.

    With m the median of the last 32 accepted losses and d the median of their distances from m:
    the larger of 2 m + 1 and m + 6 * 1.4826 d.
    """
    if len(spikes.losses) < WINDOW // 2:
        return math.inf
    middle = statistics.median(spikes.losses)
    deviation = statistics.median(abs(loss - middle) for loss in spikes.losses)
    return max(2 * middle + 1, middle + _DEVIATIONS * deviation)


def judge(spikes: Spikes, loss: float, norm: float, training: Training, at_step: int) -> Judgement:
    """Judge step `at_step` (from 1) by its mean loss and its gradient's size, before the update.

    Raises StudioError where the run cannot or, by `training.on_spike`, shall not go on.
    """
    is_finite = math.isfinite(loss) and math.isfinite(norm)
    is_jump = is_finite and loss > limit(spikes)
    if is_finite and (not is_jump or training.on_spike == "keep"):
        losses = (*spikes.losses, loss)[-WINDOW:]
        return Judgement(True, replace(spikes, losses=losses, in_a_row=0))
    in_a_row = spikes.in_a_row + 1
    if training.on_spike in ("stop", "keep") or in_a_row >= MOST_IN_A_ROW:
        raise _broken(spikes, loss, norm, at_step, in_a_row)
    lowers = training.on_spike == "lower_rate"
    after = replace(
        spikes,
        rate_factor=spikes.rate_factor * (RATE_LEFT if lowers else 1.0),
        skipped=spikes.skipped + 1,
        in_a_row=in_a_row,
    )
    words = f"Step {at_step} was left out: {_found(spikes, loss, norm)}." + (
        f" The learning rate is {after.rate_factor:g} of the plan from here on." if lowers else ""
    )
    return Judgement(False, after, words)


def passed_over(spikes: Spikes) -> Judgement:
    """A step that is left out for no fault of its numbers: fp16 was too narrow for its scale."""
    return Judgement(False, replace(spikes, skipped=spikes.skipped + 1))


def of_a_new_part(spikes: Spikes) -> Spikes:
    """What is known where other parameters train from here on: no loss of the part before is usual now."""
    return replace(spikes, losses=(), in_a_row=0)


def _found(spikes: Spikes, loss: float, norm: float) -> str:
    if math.isfinite(loss) and math.isfinite(norm):
        usual = statistics.median(spikes.losses)
        return f"its loss jumped to {loss:.3g}, where about {usual:.3g} was usual"
    return f"its numbers broke down (loss {loss:.3g}, gradient {norm:.3g})"


def _broken(spikes: Spikes, loss: float, norm: float, at_step: int, in_a_row: int) -> StudioError:
    times = f", the {in_a_row}rd step in a row like this" if in_a_row >= MOST_IN_A_ROW else ""
    return StudioError(
        f"The training broke down at step {at_step}{times}: {_found(spikes, loss, norm)}. "
        "Try a learning rate ten times smaller, or precision fp32; where only single rows do this, "
        'set training.on_spike to "skip".',
        code="not_finite",
    )
