"""FAR: `W + Δ` with Δ in the rows and columns of the feed-forward nodes that moved most in a first part.

Vucetic et al. 2022 (arXiv:2205.01541). Priming: all feed-forward weights train, and a node's move is the
L1 norm of the change of what belongs to it: its row in each layer into it, its bias there, its column in
the layer out of it. Reconfigured: the largest `share` of each layer's nodes are learners. With width d, a
learner has d numbers in each layer into it (one more with a bias) and d in the one out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from peft.tuners._buffer_dict import BufferDict
from torch import Tensor, nn
from torch.nn import functional

from studio.errors import AskedWrongly, FieldProblem
from studio.training.survey import layer_of
from studio.training.tuners.layers import Layer, LayerConfig, LayerModel, register
from studio.training.tuners.plain_lora import whole_modules
from studio.training.tuners.tuner import State, Tuner


@dataclass
class FarConfig(LayerConfig):
    """What share of the nodes learns, and which modules lead into them (`inward`); the others lead out."""

    share: float = 0.1
    inward: Any = None
    is_reconfigured: bool = False
    # How many of a run's steps are priming; nothing in a file.
    first_steps: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "FAR"


class FarLayer(Layer):
    """A linear layer into or out of inner nodes: all of it changes (priming), or its learners' part."""

    adapter_layer_names = ("far_change", "far_shift", "far_weight", "far_bias")
    other_param_names = ("far_nodes",)
    parts: ClassVar[dict[str, type]] = {
        "far_change": nn.ParameterDict,
        "far_shift": nn.ParameterDict,
        "far_weight": nn.ParameterDict,
        "far_bias": nn.ParameterDict,
        "far_nodes": BufferDict,
    }

    @property
    def nodes(self) -> int:
        """How many inner nodes it leads into or out of."""
        return self.widths[1 if self.leads_in else 0]

    def build(self, adapter: str, config: Any) -> None:
        self.leads_in = self.key in config.inward
        inputs, outputs = self.widths
        if config.is_reconfigured:
            count = learners(config.share, self.nodes)
            self.reconfigure(adapter, torch.arange(count), keeps=False)
            return
        self.far_change[adapter] = nn.Parameter(torch.zeros(outputs, inputs))
        if self.has_bias:
            self.far_shift[adapter] = nn.Parameter(torch.zeros(outputs))

    @torch.no_grad()
    def moves(self, adapter: str) -> Tensor:
        """How far each node's numbers here have moved, `(nodes,)`."""
        moved: Tensor = self.far_change[adapter].abs().sum(1 if self.leads_in else 0)
        return moved + self.far_shift[adapter].abs() if adapter in self.far_shift else moved

    @torch.no_grad()
    def reconfigure(self, adapter: str, nodes: Tensor, *, keeps: bool) -> None:
        """From here on only the learners `nodes (K,)`, at zero unless what they learned is kept."""
        inputs, outputs = self.widths
        count, device = len(nodes), nodes.device
        shape = (count, inputs) if self.leads_in else (outputs, count)
        weight, bias = torch.zeros(shape, device=device), torch.zeros(count, device=device)
        if keeps:
            change = self.far_change[adapter]
            weight = change[nodes].clone() if self.leads_in else change[:, nodes].clone()
            bias = self.far_shift[adapter][nodes].clone() if self.has_bias else bias
        for part in (self.far_change, self.far_shift):
            if adapter in part:
                del part[adapter]
        self.far_weight[adapter] = nn.Parameter(weight)
        if self.has_bias:
            self.far_bias[adapter] = nn.Parameter(bias)
        self.far_nodes[adapter] = nodes.to(torch.int32)

    def adapt(self, adapter: str, x: Tensor, out: Tensor) -> Tensor:
        if adapter in self.far_change:
            weight, bias = self.far_change[adapter], self._held(self.far_shift, adapter)
            return out + functional.linear(x.to(weight.dtype), weight, bias).to(out.dtype)
        weight, bias = self.far_weight[adapter], self._held(self.far_bias, adapter)
        nodes = self.far_nodes[adapter].long()
        if not self.leads_in:
            x = x.index_select(-1, nodes)
        part = functional.linear(x.to(weight.dtype), weight, bias).to(out.dtype)
        return out.index_add(-1, nodes, part) if self.leads_in else out + part

    def delta(self, adapter: str) -> tuple[Tensor, Tensor | None]:
        inputs, outputs = self.widths
        if adapter in self.far_change:
            shift = self._held(self.far_shift, adapter)
            return self.far_change[adapter].detach(), None if shift is None else shift.detach()
        weight, nodes = self.far_weight[adapter].detach(), self.far_nodes[adapter].long()
        change = weight.new_zeros(outputs, inputs)
        change.index_copy_(0 if self.leads_in else 1, nodes, weight)
        bias = self._held(self.far_bias, adapter)
        if bias is None:
            return change, None
        return change, bias.new_zeros(outputs).index_copy(0, nodes, bias.detach())

    @property
    def has_bias(self) -> bool:
        """Whether a node has a bias here; that of the layer out of it belongs to none."""
        return self.leads_in and self.get_base_layer().bias is not None

    @staticmethod
    def _held(part: Any, adapter: str) -> Tensor | None:
        return part.get(adapter)  # type: ignore[no-any-return]


class FarModel(LayerModel):
    """FAR on a model."""

    prefix = "far_"
    tuner_layer_cls = FarLayer


class FarTuner(Tuner):
    """Priming, the choice, then the learners."""

    def begin(self, model: Any, settings: Any, total_steps: int) -> None:
        """Raises AskedWrongly for a run too short to have both parts."""
        if total_steps < 2:
            words = "FAR needs at least two steps, one to find the learners and one to train them."
            raise AskedWrongly(words, code="spec", fields=[FieldProblem("training.epochs", words)])
        share = round(settings.priming_share * total_steps)
        model.peft_config["default"].first_steps = max(1, min(share, total_steps - 1))

    def is_settled(self, model: Any) -> bool:
        return bool(model.peft_config["default"].is_reconfigured)

    def advance(self, model: Any, settings: Any, steps_done: int) -> bool:
        """The choice, after priming."""
        config = model.peft_config["default"]
        if self.is_settled(model) or steps_done < config.first_steps:
            return False
        _choose(model, keeps=settings.keeps_primed)
        return True

    def state(self, model: Any) -> State:
        """Once chosen, the learners."""
        if not self.is_settled(model):
            return State()
        found = {layer.key: layer.far_nodes["default"] for layer in model.base_model.layers()}
        return State(found, {"is_reconfigured": True})

    def restore(self, model: Any, settings: Any, state: State) -> None:
        if not state.values:
            return
        model.peft_config["default"].is_reconfigured = True
        device = next(model.parameters()).device
        for layer in model.base_model.layers():
            layer.reconfigure("default", state.tensors[layer.key].to(device), keeps=False)

    def save(self, model: Any, folder: Path, settings: Any) -> None:
        """The learners; of a run that ended while priming, those that it would have, with what they learned."""
        if not self.is_settled(model):
            _choose(model, keeps=True)
        model.peft_config["default"].first_steps = 0
        super().save(model, folder, settings)

    def saved(self, model: Any, settings: Any) -> dict[str, Tensor]:
        """The learners' rows and columns, and which they are."""
        found = whole_modules(model)
        for layer in model.base_model.layers():
            change = layer.delta("default")[0]
            count = learners(settings.share, layer.nodes)
            found[f"{layer.key}.weight"] = change[:count] if layer.leads_in else change[:, :count]
            found[f"{layer.key}.nodes"] = change.new_empty(count, dtype=torch.int32)
            if layer.has_bias:
                found[f"{layer.key}.bias"] = change.new_empty(count)
        return found


def learners(share: float, nodes: int) -> int:
    """How many of a layer's nodes learn."""
    return max(1, round(share * nodes))


def _choose(model: Any, *, keeps: bool) -> None:
    """Make the nodes that moved most in each feed-forward its learners."""
    config = model.peft_config["default"]
    for layers in _feed_forwards(model):
        moves = torch.stack([layer.moves("default") for layer in layers]).sum(0)
        count = learners(config.share, len(moves))
        nodes = moves.topk(count).indices.sort().values
        for layer in layers:
            layer.reconfigure("default", nodes, keeps=keeps)
    config.is_reconfigured = True


def _feed_forwards(model: Any) -> Iterator[list[FarLayer]]:
    """The layers of one feed-forward after the other: an encoder's and a decoder's apart."""
    found: dict[str, list[FarLayer]] = {}
    for layer in model.base_model.layers():
        number = f".{layer_of(layer.key)}."
        before, _, _ = layer.key.partition(number)
        found.setdefault(f"{before}{number}", []).append(layer)
    yield from found.values()


register("far", FarConfig, FarModel)
TUNER = FarTuner()
