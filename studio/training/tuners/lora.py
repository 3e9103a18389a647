"""LoRA with start values of its own: from the base's weights, its rounding, or the user's rows.

Start values B₀ A₀ taken from a weight (PiSSA, OLoRA) must be taken off the weight, W - s B₀ A₀, so that the
model begins as it was. PEFT changes W in place; here a second, frozen adapter `start` holds -B₀ A₀ beside
it. The base keeps its own numbers, also in few bits; switched off, the adapter leaves the true base; and
what was learned is one plain LoRA of twice the rank, [B, -B₀] [A; A₀].
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from studio.errors import StudioError
from studio.methods import MethodSettings
from studio.training import step
from studio.training.batching import Batch
from studio.training.heads import Head
from studio.training.tuners.plain_lora import Factors, write
from studio.training.tuners.tuner import Ground, State, Tuner

_START = "start"
# Above this width the strongest part is found by a random sketch: a whole decomposition takes minutes.
_WHOLE_SVD = 2048
# EVA looks at this many steps' rows, and of each micro-batch at this many positions.
_EVA_STEPS, _EVA_POSITIONS = 16, 512


class LoraTuner(Tuner):
    """PEFT's LoRA; what is its own are the start values."""

    def attach(
        self, base: nn.Module, config: dict[str, Any], settings: MethodSettings, head: Head
    ) -> nn.Module:
        model: Any = super().attach(base, config, settings, head)
        if settings.init in ("pissa", "olora"):  # type: ignore[attr-defined]
            beside = copy.deepcopy(model.peft_config["default"])
            beside.lora_dropout, beside.modules_to_save = 0.0, None
            model.add_adapter(_START, beside)
            for _, layer in _layers(model):
                layer.frozen_peft_weight_names = {_START: ("lora_A", "lora_B")}
                layer.set_adapter(["default", _START])
                nn.init.zeros_(layer.lora_A[_START].weight)
        return model  # type: ignore[no-any-return]

    def is_tried_in_parts(self, settings: Any) -> bool:
        return settings.init in ("default", "gaussian")

    def prepare(self, model: nn.Module, settings: Any, ground: Ground) -> None:
        if settings.init in ("pissa", "olora"):
            factor = _strongest if settings.init == "pissa" else _first_columns
            for _, layer in _layers(model):
                scale = layer.scaling["default"]
                b, a = factor(_weight(layer), layer.r["default"], scale)
                _fill(layer, "default", a, b)
                _fill(layer, _START, a, -b)
        elif settings.init == "loftq":
            _make_up_for_rounding(model)
        elif settings.init == "eva":
            _look_at_rows(model, ground)

    def state(self, model: nn.Module) -> State:
        return State({n: v for n, v in model.state_dict().items() if _is_start(n)})

    def restore(self, model: nn.Module, settings: Any, state: State) -> None:
        held = model.state_dict()
        for name, value in state.tensors.items():
            held[name].copy_(value)

    def save(self, model: nn.Module, folder: Path, settings: Any) -> None:
        if settings.init not in ("pissa", "olora"):
            super().save(model, folder, settings)
            return
        write(model, folder, {name: _both(layer) for name, layer in _layers(model)})

    def saved(self, model: nn.Module, settings: Any) -> dict[str, Tensor]:
        """With start values of its own, a LoRA of twice the rank."""
        found = super().saved(model, settings)
        return found | {
            f"{name} at first": value for name, value in self.state(model).tensors.items()
        }


def _layers(model: Any) -> Iterator[tuple[str, Any]]:
    """LoRA's layers by their full names in the base."""
    for name, module in model.get_base_model().named_modules():
        if isinstance(module, LoraLayer):
            yield name, module


def _is_start(name: str) -> bool:
    return f".lora_A.{_START}." in name or f".lora_B.{_START}." in name


def _weight(layer: Any) -> Tensor:
    """The base's weight `(out, in)` in fp32, made anew where it is held in few bits."""
    weight: Tensor = layer.get_base_layer().weight.detach().float()
    return weight.t() if layer.fan_in_fan_out else weight


@torch.no_grad()
def _fill(layer: Any, adapter: str, a: Tensor, b: Tensor) -> None:
    layer.lora_A[adapter].weight.copy_(a)
    layer.lora_B[adapter].weight.copy_(b)


def _strongest(weight: Tensor, rank: int, scale: float) -> tuple[Tensor, Tensor]:
    """PiSSA (arXiv:2404.02948): the first singular values, their roots on both sides; B, A."""
    if min(weight.shape) <= _WHOLE_SVD:
        left, values, right = torch.linalg.svd(weight, full_matrices=False)
    else:
        left, values, right = torch.svd_lowrank(weight, q=min(2 * rank + 8, *weight.shape), niter=8)
        right = right.t()
    roots = (values[:rank] / scale).sqrt()
    return left[:, :rank] * roots, roots[:, None] * right[:rank]


def _first_columns(weight: Tensor, rank: int, scale: float) -> tuple[Tensor, Tensor]:
    """OLoRA (arXiv:2406.01775): W = Q R, and of it the first columns and rows; B, A."""
    q, r = torch.linalg.qr(weight)
    return q[:, :rank], r[:rank]


def _both(layer: Any) -> Factors:
    """What was learned and what was taken off, as one pair of matrices."""
    a = torch.cat([layer.lora_A[name].weight for name in ("default", _START)])
    b = torch.cat([layer.lora_B[name].weight for name in ("default", _START)], dim=1)
    return Factors(a, b, float(layer.scaling["default"]))


def _make_up_for_rounding(model: Any) -> None:
    """LoftQ (arXiv:2310.08659) with one step: the strongest part of what rounding the weight took away.

    More steps would change the rounded base itself, which all adapters of a base share.
    Raises StudioError where the whole weights cannot be read any more.
    """
    plain = model.get_base_model()
    source = Path(str(plain.config._name_or_path))
    if not source.is_dir():
        raise StudioError(
            'Start values "loftq" are made from the whole weights, and the folder that they were read '
            f"from is gone ({source}). Choose other start values.",
            code="method",
        )
    whole = type(plain).from_pretrained(
        source, config=plain.config, dtype="auto", use_safetensors=True, local_files_only=True
    )
    held = dict(whole.named_modules())
    for name, layer in _layers(model):
        lost = held[name].weight.detach().to(_weight(layer).device).float() - _weight(layer)
        b, a = _strongest(lost, layer.r["default"], layer.scaling["default"])
        _fill(layer, "default", a, b)


def _look_at_rows(model: Any, ground: Ground) -> None:
    """EVA (arXiv:2410.07170): A begins at the directions in which the layer's inputs differ most.

    Each layer keeps its own rank (in the paper ranks may be moved between layers; here they are not).
    """
    found: dict[str, Tensor] = {}
    mask: list[Tensor | None] = [None]

    def collect(name: str, layer: Any) -> Any:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            rows = _real(inputs[0].detach(), mask[0])[:_EVA_POSITIONS].float()
            kept = found.get(name, rows[:0])
            _, values, right = torch.linalg.svd(torch.cat([kept, rows]), full_matrices=False)
            most = 2 * layer.r["default"]
            found[name] = values[:most, None] * right[:most]

        return hook

    was_training = model.training
    model.eval()
    with ExitStack() as stack, torch.no_grad():
        for name, layer in _layers(model):
            handle = layer.register_forward_pre_hook(collect(name, layer))
            stack.callback(handle.remove)
        for batch in ground.batches(_EVA_STEPS):
            mask[0] = batch.inputs.get("attention_mask")
            _forward(model, batch)
    model.train(was_training)
    with torch.no_grad():
        for name, layer in _layers(model):
            weight = layer.lora_A["default"].weight
            directions = nn.functional.normalize(found[name][: len(weight)], dim=-1)
            weight[: len(directions)] = directions.to(weight)


def _forward(model: nn.Module, batch: Batch) -> None:
    step.logits_of(model, batch)


def _real(rows: Tensor, mask: Tensor | None) -> Tensor:
    """The positions `(N, in)` that are no padding."""
    flat = rows.reshape(-1, rows.shape[-1])
    if mask is None or mask.shape != rows.shape[:-1]:
        return flat
    return flat[mask.reshape(-1).bool()]


TUNER = LoraTuner()
