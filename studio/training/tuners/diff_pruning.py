"""Diff Pruning: `W + δ`, δ = z ⊙ z_g ⊙ w behind gates at first, then cut to its largest values.

Guo et al. 2021 (arXiv:2012.07463). A gate is a hard concrete number (section 3.1): with u uniform in
(0, 1), `z = min(1, max(0, σ(log u - log(1 - u) + α) (r - l) + l))`, l = -1.5 and r = 1.5. The chance that
it is open is `σ(α - log(-l / r))`; the sum of these chances, each with its group's (section 3.2), is the
expected number of changes, which is paid for in the loss. Then the share asked for is kept by size
(section 3.3), and these values train further.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from peft.tuners._buffer_dict import BufferDict
from torch import Tensor, nn
from torch.nn import functional

from studio.training import step
from studio.training.batching import Batch
from studio.training.losses import Loss
from studio.training.tuners.layers import Layer, LayerConfig, LayerModel, register
from studio.training.tuners.plain_lora import whole_modules
from studio.training.tuners.tuner import State, Tuner

LOWER, UPPER = -1.5, 1.5
# Where gates begin (the authors' `alpha_init`): open in 99 of 100 draws.
_START = 5.0
# Numbers this near 0 and 1 have logarithms.
_EDGE = 1e-6


@dataclass
class DiffPruningConfig(LayerConfig):
    """Which gates there are; once cut, by each module's name how many changes it has (`kept`)."""

    groups: str = "matrix"
    kept: dict[str, int] = field(default_factory=dict)
    # How many of a run's steps are of the first part; nothing in a file.
    first_steps: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "DIFF_PRUNING"


class DiffPruningLayer(Layer):
    """A linear layer with a change of its weight: behind gates, or cut to a few values."""

    adapter_layer_names = (
        *("diff_pruning_change", "diff_pruning_gate", "diff_pruning_group"),
        "diff_pruning_values",
    )
    other_param_names = ("diff_pruning_places",)
    parts: ClassVar[dict[str, type]] = {
        "diff_pruning_change": nn.ParameterDict,
        "diff_pruning_gate": nn.ParameterDict,
        "diff_pruning_group": nn.ParameterDict,
        "diff_pruning_values": nn.ParameterDict,
        "diff_pruning_places": BufferDict,
    }

    @property
    def shape(self) -> tuple[int, int]:
        """(out, in)."""
        inputs, outputs = self.widths
        return outputs, inputs

    def build(self, adapter: str, config: Any) -> None:
        if config.kept:
            self.keep(adapter, torch.zeros(config.kept.get(self.key, 0), dtype=torch.int64))
            return
        self.diff_pruning_change[adapter] = nn.Parameter(torch.zeros(self.shape))
        self.diff_pruning_gate[adapter] = nn.Parameter(torch.full(self.shape, _START))
        if config.groups != "none":
            size = (self.shape[0], 1) if config.groups == "row" else (1, 1)
            self.diff_pruning_group[adapter] = nn.Parameter(torch.full(size, _START))

    def change(self, adapter: str) -> Tensor:
        """δ `(out, in)`; gates are drawn in training, otherwise as wide open as they are in the middle."""
        if adapter in self.diff_pruning_values:
            values: Tensor = self.diff_pruning_values[adapter]
            places = self.diff_pruning_places[adapter].long()
            flat = values.new_zeros(math.prod(self.shape)).index_put((places,), values)
            return flat.view(self.shape)
        made: Tensor = self.diff_pruning_change[adapter] * self._open(
            self.diff_pruning_gate[adapter]
        )
        if adapter in self.diff_pruning_group:
            made = made * self._open(self.diff_pruning_group[adapter])
        return made

    def expected(self, adapter: str) -> Tensor:
        """E[‖δ‖₀], a scalar: how many changes there are to be expected."""
        chances = _chance(self.diff_pruning_gate[adapter])
        if adapter in self.diff_pruning_group:
            chances = chances * _chance(self.diff_pruning_group[adapter])
        return chances.sum()

    def keep(self, adapter: str, places: Tensor, values: Tensor | None = None) -> None:
        """From here on only the changes at `places (K,)` of the flattened weight, beginning at `values`."""
        for part in (self.diff_pruning_change, self.diff_pruning_gate, self.diff_pruning_group):
            if adapter in part:
                del part[adapter]
        if not len(places):
            return
        numbers = torch.zeros(len(places), device=places.device) if values is None else values
        self.diff_pruning_values[adapter] = nn.Parameter(numbers)
        fits = math.prod(self.shape) < 2**31
        self.diff_pruning_places[adapter] = places.to(torch.int32 if fits else torch.int64)

    def adapt(self, adapter: str, x: Tensor, out: Tensor) -> Tensor:
        if not self.changes_with(adapter):
            return out
        change = self.change(adapter)
        return out + functional.linear(x.to(change.dtype), change).to(out.dtype)

    def delta(self, adapter: str) -> tuple[Tensor | None, None]:
        return (self.change(adapter).detach() if self.changes_with(adapter) else None), None

    def changes_with(self, adapter: str) -> bool:
        """Whether anything of this layer's weight is changed: after the cut not all of them are."""
        return adapter in self.diff_pruning_values or adapter in self.diff_pruning_change

    def _open(self, gate: Tensor) -> Tensor:
        """How far each gate is open, from 0 to 1."""
        if self.training:
            u = torch.rand_like(gate).clamp(_EDGE, 1 - _EDGE)
            gate = gate + u.log() - (1 - u).log()
        return (gate.sigmoid() * (UPPER - LOWER) + LOWER).clamp(0.0, 1.0)


class DiffPruningModel(LayerModel):
    """Diff Pruning on a model."""

    prefix = "diff_pruning_"
    tuner_layer_cls = DiffPruningLayer


class DiffPruningTuner(Tuner):
    """Both parts: changes behind gates, their price in the loss; then the cut, and what is left of them."""

    def begin(self, model: Any, settings: Any, total_steps: int) -> None:
        """The first part's share of the run in steps; where there are two, each part has one."""
        share = round(settings.first_share * total_steps)
        model.peft_config["default"].first_steps = max(1, min(share, total_steps - 1))

    def is_settled(self, model: Any) -> bool:
        return bool(model.peft_config["default"].kept)

    def total(
        self, model: Any, loss: Loss, batch: Batch, settings: Any
    ) -> tuple[Tensor, Tensor | None]:
        own, _ = step.plain_total(model, loss, batch)
        if not settings.penalty or self.is_settled(model):
            return own, None
        return own, settings.penalty * batch.units * expected_changes(model)

    def advance(self, model: Any, settings: Any, steps_done: int) -> bool:
        """The cut, after the first part."""
        config = model.peft_config["default"]
        if self.is_settled(model) or steps_done < config.first_steps:
            return False
        _cut(model, settings.sparsity)
        return True

    def state(self, model: Any) -> State:
        """Of what was cut, where the values lie that are left."""
        if not self.is_settled(model):
            return State()
        return State(
            {
                layer.key: layer.diff_pruning_places["default"]
                for layer in model.base_model.layers()
                if layer.changes_with("default")
            },
            {"kept": model.peft_config["default"].kept},
        )

    def restore(self, model: Any, settings: Any, state: State) -> None:
        if not state.values:
            return
        model.peft_config["default"].kept = state.values["kept"]
        device = next(model.parameters()).device
        for layer in model.base_model.layers():
            nowhere = torch.zeros(0, dtype=torch.int64)
            layer.keep("default", state.tensors.get(layer.key, nowhere).to(device))

    def save(self, model: Any, folder: Path, settings: Any) -> None:
        """What is left after the cut; a model that was never trained to there is cut now."""
        if not self.is_settled(model):
            _cut(model, settings.sparsity)
        model.peft_config["default"].first_steps = 0
        super().save(model, folder, settings)

    def saved(self, model: Any, settings: Any) -> dict[str, Tensor]:
        """The share that is kept, taken to be the same in each layer, and where it lies."""
        found = whole_modules(model)
        for layer in model.base_model.layers():
            change = layer.change("default").detach()
            count = max(1, round(settings.sparsity * change.numel()))
            found[f"{layer.key}.values"] = change.new_empty(count)
            found[f"{layer.key}.places"] = change.new_empty(count, dtype=torch.int32)
        return found


def expected_changes(model: Any) -> Tensor:
    """E[‖δ‖₀] of the whole model, a scalar."""
    found: Tensor = torch.stack(
        [layer.expected("default") for layer in model.base_model.layers()]
    ).sum()
    return found


@torch.no_grad()
def _cut(model: Any, share: float) -> None:
    """Keep the largest `share` of all changes, whichever layers they lie in."""
    layers = model.base_model.layers()
    was_training = model.training
    model.eval()
    changes = [layer.change("default").flatten() for layer in layers]
    model.train(was_training)
    sizes = torch.cat([each.abs() for each in changes])
    count = max(1, int(share * len(sizes)))
    chosen = sizes.topk(count).indices.sort().values
    del sizes
    kept, begin = {}, 0
    for layer, change in zip(layers, changes, strict=True):
        end = begin + len(change)
        places = chosen[(chosen >= begin) & (chosen < end)] - begin
        layer.keep("default", places, change[places].clone())
        kept[layer.key], begin = len(places), end
    model.peft_config["default"].kept = kept


def _chance(gate: Tensor) -> Tensor:
    """P(z > 0), for each gate."""
    return (gate - math.log(-LOWER / UPPER)).sigmoid()


register("diff_pruning", DiffPruningConfig, DiffPruningModel)
TUNER = DiffPruningTuner()
