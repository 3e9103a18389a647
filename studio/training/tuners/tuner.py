"""A tuner: how a method is put on a model, what it does in a step, and what of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import peft
import safetensors.torch
import torch
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from torch import Tensor, nn

from studio.methods import MethodSettings
from studio.objectives import Encoded
from studio.training import step
from studio.training.batching import Batch
from studio.training.heads import Head, head_modules
from studio.training.losses import Loss


@dataclass(frozen=True)
class State:
    """What a checkpoint keeps of a method beside its trained weights: tensors by name, and plain values."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ground:
    """What a method may look at before the first step: the rows, the first steps' batches, and the loss.

    `batches(n)` are the micro-batches of the first `n` steps, on the model's device.
    """

    rows: Sequence[Encoded]
    batches: Callable[[int], Sequence[Batch]]
    loss: Loss
    tokenizer: Any = None


class Tuner:
    """PEFT's plain way; a method that needs more overrides the part that differs.

    In a run they are called in this order: `attach`, `begin`, then `prepare` in a fresh run or `restore`
    in a resumed one, in each step `total` and `observe`, then `advance`; at the end `save`. None of them
    keeps anything in the tuner itself: what is to be remembered lies in the model.
    """

    # Whether attaching looks at the base's numbers, or at random ones: the meta device has neither.
    needs_values = False

    def attach(
        self, base: nn.Module, config: dict[str, Any], settings: MethodSettings, head: Head
    ) -> nn.Module:
        """`base`, frozen, with the method on it. The random state was seeded by the caller."""
        prepared: Any = peft.get_peft_config({**config, "task_type": head.kind.task_type})
        on_top = head_modules(base, head)
        if on_top and hasattr(prepared, "modules_to_save"):
            prepared.modules_to_save = [*(prepared.modules_to_save or ()), *on_top]
        adapted: nn.Module = peft.get_peft_model(base, prepared)
        return adapted

    def is_tried_in_parts(self, settings: Any) -> bool:
        """Whether it was tried on a model that is spread over processes, or of which layers wait elsewhere."""
        return type(self) is Tuner

    def outlined(self) -> AbstractContextManager[None]:
        """Within it `attach` takes a base whose tensors have no values, where it looks at them otherwise."""
        return nullcontext()

    def adopts(self, config: Any, base: nn.Module) -> Any | None:
        """A configuration of ours for an adapter of PEFT's that this tuner computes the same as, with what
        the trainer needs beside; None for all others."""
        return None

    def begin(self, model: nn.Module, settings: Any, total_steps: int) -> None:
        """Told once how many steps the run has, before anything else happens to the model."""

    def prepare(self, model: nn.Module, settings: Any, ground: Ground) -> None:
        """Look at the data before the first step of a fresh run."""

    def total(
        self, model: nn.Module, loss: Loss, batch: Batch, settings: Any
    ) -> tuple[Tensor, Tensor | None]:
        """The loss of a micro-batch summed over its units, and what the method adds to it (or None).

        The sum of both is what is made smaller; only the first is reported. What is added weighs as the
        loss does: multiply what is meant for a whole step by `batch.units`.
        """
        return step.plain_total(model, loss, batch)

    def observe(self, model: nn.Module, settings: Any, steps_done: int) -> None:
        """After each update, while its gradients are still there."""

    def advance(self, model: nn.Module, settings: Any, steps_done: int) -> bool:
        """After each step, gradients gone; True where other parameters train from here on."""
        return False

    def is_settled(self, model: nn.Module) -> bool:
        """Whether what trains now is what is kept in the end; until then no measurement counts as the best,
        and early stopping waits."""
        return True

    def state(self, model: nn.Module) -> State:
        """What a checkpoint must keep beside the parameters that train."""
        return State()

    def restore(self, model: nn.Module, settings: Any, state: State) -> None:
        """Put `state` back, before the trained weights are; afterwards the same parameters train."""

    def read(self, folder: Path) -> dict[str, Tensor]:
        """The tensors of a saved adapter by the names that PEFT gives them in the model."""
        return self.named(safetensors.torch.load_file(folder / SAFETENSORS_WEIGHTS_NAME))

    def outline(self, folder: Path) -> dict[str, Tensor]:
        """As `read`, without the numbers: tensors on the meta device, from the file's header alone."""
        with safetensors.safe_open(folder / SAFETENSORS_WEIGHTS_NAME, "pt") as file:
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
        return self.named(
            {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
        )

    def named(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The tensors of a file, as they are called in the model."""
        return tensors

    def save(self, model: nn.Module, folder: Path, settings: Any) -> None:
        """Write the adapter into `folder`, in a form that is as plain as it exactly can be."""
        held: Any = model
        # "auto" would ask the Hub about the base's vocabulary; no method changes it.
        held.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)

    def saved(self, model: nn.Module, settings: Any) -> dict[str, Tensor]:
        """What `save` will write, by name; also of a model whose tensors have no values.

        Where training decides how much is kept, tensors as large as that is expected to be.
        """
        held: dict[str, Tensor] = peft.get_peft_model_state_dict(model, save_embedding_layers=False)
        return held
