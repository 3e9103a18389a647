"""Checkups of a model: a base that cannot be trained is refused before, a broken result is not kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from studio.errors import ModelProblem, StudioError
from studio.training.adapters import trainable
from studio.training.sharding import own


def refuse_broken_base(base: nn.Module) -> None:
    """Raises ModelProblem naming the tensor where the base holds a number that is not finite."""
    for name, value in base.named_parameters():
        broken = _not_finite(value)
        if broken:
            raise ModelProblem(
                f"The base model is damaged: {broken:,} of the {value.numel():,} numbers of {name} "
                "are not finite (NaN or infinite), so everything trained on it would be, too. Fetch "
                "the model anew, or choose another.",
                code="model_not_finite",
            )


def refuse_other_tokenizer(base: nn.Module, highest_id: int) -> None:
    """Raises ModelProblem where rows hold token ids that the base has no embedding for."""
    embedding = base.get_input_embeddings()  # type: ignore[operator]
    known = embedding.weight.shape[0]
    if highest_id >= known:
        raise ModelProblem(
            f"The tokenizer does not belong to this model: it writes token {highest_id:,}, but the model "
            f"knows {known:,} tokens, 0 to {known - 1:,}. Put the tokenizer that the model came with into "
            "its folder.",
            code="tokenizer",
        )


def refuse_broken_result(model: nn.Module, accepted_steps: int) -> None:
    """Raises StudioError where nothing was learned, or what was learned is not finite."""
    broken = next((name for name, value in trainable(model) if _not_finite(own(value))), None)
    if broken is None and accepted_steps > 0:
        return
    found = (
        f"the trained weights hold numbers that are not finite ({broken})"
        if broken
        else "every single step had to be left out because its numbers broke down"
    )
    raise StudioError(
        f"The training ended, but its result is not usable: {found}. Try a learning rate ten times "
        "smaller, or precision fp32.",
        code="not_finite",
    )


def highest_id(rows: Iterable[Sequence[int]]) -> int:
    """The largest token id in rows of ids; -1 where there are none."""
    return max((max(row, default=-1) for row in rows), default=-1)


def _not_finite(value: Tensor) -> int:
    """How many of the tensor's numbers are not finite; 0 for whole numbers (quantised weights)."""
    if not value.is_floating_point():
        return 0
    with torch.no_grad():
        # One number to look at first: a sum is not finite where a part is not (or where it overflows).
        if bool(torch.isfinite(value.sum(dtype=torch.float32))):
            return 0
        return int((~torch.isfinite(value)).sum())
