"""The losses, one file each, named as their objectives; this folder is their registry."""

import functools
from collections.abc import Callable
from types import FunctionType

from torch import Tensor

from studio.registry import discover
from studio.spec import ObjectiveChoice
from studio.training.batching import Batch
from studio.training.likelihood import Logits

# The loss of a batch, given its logits: a scalar, summed over the batch's units.
Loss = Callable[[Logits, Batch], Tensor]

# Each module holds the function of its own name: `losses/chat.py` defines `chat`. All of them take
# `(logits, batch, settings)`, the settings being the objective's.
LOSSES: dict[str, FunctionType] = discover("studio.training.losses", "LOSS", FunctionType)


def loss_of(choice: ObjectiveChoice) -> Loss:
    """The loss of an objective with its settings."""
    return functools.partial(LOSSES[choice.name], settings=choice.settings)
