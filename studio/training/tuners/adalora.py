"""AdaLoRA: its schedule called in every step, its orthogonality in the loss, its result a plain LoRA.

Zhang et al. 2023 (arXiv:2303.10512): ΔW = P Λ Q; the budget of kept singular values falls with the cube of
the steps left (section 3.3), and P, Q are held near orthogonal (equation 4; as the authors' own code has it,
the mean Frobenius norm over all of them).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from studio.training import step
from studio.training.batching import Batch
from studio.training.losses import Loss
from studio.training.tuners.plain_lora import Factors, whole_modules, write
from studio.training.tuners.tuner import State, Tuner

# PEFT adds this to the rank that it divides by.
_EPSILON = 1e-5
_FIGURES = ("ipt", "exp_avg_ipt", "exp_avg_unc")


class AdaloraTuner(Tuner):
    """PEFT's AdaLoRA with all that its trainer is expected to do."""

    def begin(self, model: Any, settings: Any, total_steps: int) -> None:
        """Shares of the run become steps; some are always left in which ranks move."""
        config = model.peft_config["default"]
        config.tinit = int(settings.first_share * total_steps)
        config.tfinal = min(int(settings.last_share * total_steps), total_steps - config.tinit - 1)
        config.total_step = total_steps
        config.deltaT = max(1, total_steps // 100)

    def total(
        self, model: nn.Module, loss: Loss, batch: Batch, settings: Any
    ) -> tuple[Tensor, Tensor | None]:
        own, _ = step.plain_total(model, loss, batch)
        if not settings.orthogonality:
            return own, None
        return own, settings.orthogonality * batch.units * _obliqueness(model)

    def observe(self, model: Any, settings: Any, steps_done: int) -> None:
        """Importance is learned from this step's gradients, and ranks are taken where it is due."""
        config, tuner = model.peft_config["default"], model.base_model
        last = config.total_step - config.tfinal
        if not tuner.rankallocator.ipt and not _is_final(config):
            tuner.rankallocator.update_ipt(tuner.model)
        # A step that was left out (a spike) is not seen here; what was due at it is done now.
        if steps_done > last and not _is_final(config):
            steps_done = last
        tuner.update_and_allocate(steps_done)
        config.is_final = _is_final(config) or steps_done == last

    def state(self, model: Any) -> State:
        allocator, config = model.base_model.rankallocator, model.peft_config["default"]
        tensors = {
            f"{figure}:{name}": value
            for figure in _FIGURES
            for name, value in getattr(allocator, figure).items()
        }
        return State(tensors, {"ranks": config.rank_pattern, "is_final": _is_final(config)})

    def restore(self, model: Any, settings: Any, state: State) -> None:
        allocator, config = model.base_model.rankallocator, model.peft_config["default"]
        device = next(model.parameters()).device
        for key, value in state.tensors.items():
            figure, _, name = key.partition(":")
            getattr(allocator, figure)[name] = value.to(device)
        config.rank_pattern = state.values.get("ranks")
        config.is_final = state.values.get("is_final", False)

    def save(self, model: nn.Module, folder: Path, settings: Any) -> None:
        write(model, folder, _factors(model))

    def saved(self, model: Any, settings: Any) -> dict[str, Tensor]:
        """As many ranks in each layer as are left on average."""
        kept = model.peft_config["default"].target_r
        found = {}
        for name, layer in _layers(model):
            found[f"{name}.lora_A"] = layer.lora_A["default"][:kept]
            found[f"{name}.lora_B"] = layer.lora_B["default"][:, :kept]
        return found | whole_modules(model)


def _is_final(config: Any) -> bool:
    """Whether the ranks have moved for the last time."""
    return bool(getattr(config, "is_final", False))


def _obliqueness(model: nn.Module) -> Tensor:
    """The mean of ‖Q Qᵀ - I‖ and ‖Pᵀ P - I‖ over all of them, a scalar."""
    norms = []
    for name, value in model.named_parameters():
        if "lora_A" in name or "lora_B" in name:
            product = value @ value.t() if "lora_A" in name else value.t() @ value
            norms.append(torch.norm(product - torch.eye(len(product)).to(product), p="fro"))
    return torch.stack(norms).mean()


def _factors(model: Any) -> dict[str, Factors]:
    """What is left of each update, its singular values within A; one of rank 0 keeps a row of zeros."""
    found = {}
    for name, layer in _layers(model):
        a, b, e = (
            getattr(layer, part)["default"].detach() for part in ("lora_A", "lora_B", "lora_E")
        )
        kept = (e.flatten() != 0).nonzero().flatten()
        if len(kept) == 0:
            kept = kept.new_zeros(1)
        scale = float(layer.scaling["default"]) / (float(layer.ranknum["default"]) + _EPSILON)
        found[name] = Factors((a * e)[kept], b[:, kept], scale)
    return found


def _layers(model: Any) -> Iterator[tuple[str, Any]]:
    """AdaLoRA's layers by their full names in the base."""
    for name, layer in model.get_base_model().named_modules():
        if "default" in getattr(layer, "lora_E", {}):
            yield name, layer


TUNER = AdaloraTuner()
