"""Adapters: a method attached to a base model, its parameters counted, saved and loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import peft
import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils import AuxiliaryTrainingWrapper, ModulesToSaveWrapper
from torch import Tensor, nn

from studio.errors import AskedWrongly, FieldProblem, StudioError
from studio.spec import MethodChoice
from studio.training import prompts
from studio.training.heads import CAUSAL, Head
from studio.training.quantized import QuantizedLinear
from studio.training.survey import survey
from studio.training.tensors import first_difference
from studio.training.tuners import TUNERS, tuner_of
from studio.training.tuners.tuner import Tuner


@dataclass(frozen=True)
class Counts:
    """Parameters of a model with its method: `trainable` within `total` = base + what the method adds."""

    trainable: int
    total: int


def attach(model: nn.Module, choice: MethodChoice, *, seed: int, head: Head = CAUSAL) -> nn.Module:
    """`model` made ready to train by the method: adapter added and base frozen, or all weights trainable.

    The adapter's start values depend on `seed` alone. A classifier's head trains with the adapter and is
    saved with it. Raises AskedWrongly where the method cannot be used on this model.
    """
    torch.manual_seed(seed)
    method, base = choice.method, survey(model, head)
    reason = method.why_not(choice.settings, base)
    if reason is not None:
        raise _cannot_be_used(choice, reason)
    config = method.peft_config(choice.settings, base)
    if config is None:
        for parameter in model.parameters():
            parameter.requires_grad_(True)
        return model
    model.requires_grad_(False)
    try:
        return tuner_of(choice).attach(model, config, choice.settings, head)
    except REFUSALS as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
        raise _cannot_be_used(choice, reason) from error


# What libraries raise where a method does not fit a model.
REFUSALS = (
    ValueError,
    TypeError,
    RuntimeError,
    AttributeError,
    KeyError,
    NotImplementedError,
    AssertionError,
)


def _cannot_be_used(choice: MethodChoice, reason: str) -> AskedWrongly:
    return AskedWrongly(
        f"{choice.method.title} cannot be used with this model: {reason}. "
        "Choose another method, LoRA or full fine-tuning for one.",
        code="method",
        fields=[FieldProblem("method.name", f"{choice.method.title}: {reason}.")],
    )


def trainable(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Names and parameters that train, in the model's own order."""
    return ((name, value) for name, value in model.named_parameters() if value.requires_grad)


def count(model: nn.Module) -> Counts:
    """Exact parameter counts; tied weights count once."""
    return Counts(
        trainable=sum(value.numel() for _, value in trainable(model)),
        # Codes of quantised weights are no numbers of the model, wherever they lie.
        total=sum(value.numel() for value in model.parameters() if value.is_floating_point())
        + _in_few_bits(model),
    )


def _in_few_bits(model: nn.Module) -> int:
    """The numbers of quantised weights, which are no parameters to torch."""
    return sum(
        module.logical_numel for module in model.modules() if isinstance(module, QuantizedLinear)
    )


def save(model: nn.Module, folder: Path, *, base_name: str, choice: MethodChoice) -> None:
    """Write what was trained into `folder`: an adapter in PEFT's own format, or the whole model.

    `base_name` is written as the base the adapter belongs to, instead of a path of this machine.
    """
    if isinstance(model, peft.PeftModel):
        model.peft_config["default"].base_model_name_or_path = base_name
        tuner_of(choice).save(model, folder, choice.settings)
    else:
        model.save_pretrained(folder, safe_serialization=True)  # type: ignore[operator]


def load(base: nn.Module, folder: Path, name: str = "default") -> peft.PeftModel:
    """The adapter in `folder` put on `base`, frozen. Raises StudioError when it does not fit."""
    try:
        config = _config(folder)
        tuner, ours = _adopted(config, base) or (Tuner(), config)
        model = peft.PeftModel.from_pretrained(
            base, str(folder), adapter_name=name, config=ours, is_trainable=False
        )
    except KeyError as error:
        raise _does_not_fit(folder, f"it has no {error}") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise _does_not_fit(folder, str(error)) from error
    _check(model, tuner.outline(folder), folder, name)
    return model


def _config(folder: Path) -> peft.PeftConfig:
    """Raises StudioError where the adapter is of a kind that is not known here."""
    try:
        return peft.PeftConfig.from_pretrained(str(folder))
    except KeyError as error:
        reason = f"its kind, {error}, is not known here. It may have been made by a newer version"
        raise _does_not_fit(folder, reason) from error


def _adopted(config: peft.PeftConfig, base: nn.Module) -> tuple[Tuner, Any] | None:
    """The tuner of ours that computes an adapter of PEFT's, with a configuration for it; None for others."""
    adopted = ((tuner, tuner.adopts(config, base)) for tuner in TUNERS.values())
    return next((each for each in adopted if each[1] is not None), None)


def load_beside(model: peft.PeftModel, folder: Path, name: str) -> bool:
    """The adapter in `folder` put on `model` beside those that it has, not in use yet; False where PEFT
    holds no such two on one base. Raises StudioError where its tensors are not those it needs."""
    config = _config(folder)
    held = next(iter(model.peft_config.values()))
    if config.peft_type != held.peft_type or _adopted(config, model.get_base_model()):
        return False
    try:
        model.load_adapter(str(folder), adapter_name=name, is_trainable=False)
    except (ValueError, RuntimeError, NotImplementedError):
        return False
    try:
        _check(model, Tuner().outline(folder), folder, name)
    except StudioError:
        model.delete_adapter(name)
        raise
    return True


def _check(model: peft.PeftModel, given: Mapping[str, Tensor], folder: Path, name: str) -> None:
    """Raise StudioError where a file's tensors are not the adapter's: PEFT loads those that it finds, and
    leaves the others as they begin."""
    wanted = peft.get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    wrong = first_difference(given, wanted)
    if wrong is not None:
        raise _does_not_fit(
            folder, f"{wrong}. Use the file as it was saved or exported, unchanged."
        )


def _does_not_fit(folder: Path, reason: str) -> StudioError:
    return StudioError(
        f"The adapter in {folder} cannot be put on this base model: {reason}", code="adapter"
    )


def take_off(model: peft.PeftModel) -> nn.Module | None:
    """The base without any adapter, as it was before; None where it cannot be had back."""
    whole = model.get_base_model()
    # Unloaded by PEFT, a module that trained whole would stay as it became.
    for name, module in list(whole.named_modules()):
        if isinstance(module, ModulesToSaveWrapper):
            parent, _, last = name.rpartition(".")
            setattr(whole.get_submodule(parent), last, module.original_module)
    try:
        base: Any = whole if prompts.learns_one(model) else model.unload()
    except (AttributeError, NotImplementedError, ValueError):
        return None
    if any(isinstance(each, BaseTunerLayer | AuxiliaryTrainingWrapper) for each in base.modules()):
        return None
    vars(base).pop("peft_config", None)
    return base  # type: ignore[no-any-return]


def has_adapter(model: nn.Module) -> bool:
    """Whether an adapter lies on the model, rather than its own weights having been trained."""
    return isinstance(model, peft.PeftModel)


@contextmanager
def without(model: nn.Module) -> Iterator[nn.Module]:
    """The base alone, as it is used within: the adapter switched off, or all as it is where there is none."""
    if prompts.learns_one(model):
        with prompts.base_of(model) as base:
            yield base
    elif isinstance(model, peft.PeftModel):
        with model.disable_adapter():
            yield model
    else:
        yield model


def is_adapter(folder: Path) -> bool:
    """Whether `folder` holds an adapter rather than a whole model."""
    return (folder / "adapter_config.json").is_file()


def merge(model: peft.PeftModel, dtype: torch.dtype | None = None) -> nn.Module:
    """The base with the adapter merged into its weights; NaN in the result is an error.

    Each layer's sum is made in fp32 and cast once, to `dtype` or to what its weights were; one layer at a
    time, so that no more than one is in fp32 beside the model.
    """
    held: Any = model
    for layer in model.modules():
        if isinstance(layer, BaseTunerLayer):
            # PEFT goes through the layers, merges each and puts it in its place.
            layer.merge = partial(_merge_in_fp32, layer, layer.merge, dtype)
    merged: nn.Module = held.merge_and_unload(safe_merge=True)
    return merged


@torch.no_grad()
def _merge_in_fp32(
    layer: Any,
    merges: Callable[..., None],
    dtype: torch.dtype | None,
    *options: Any,
    **named: Any,
) -> None:
    held = list(layer.get_base_layer().parameters())
    wanted = dtype or (held[0].dtype if held else torch.float32)
    for value in held:
        value.data = value.data.float()
    merges(*options, **named)
    # Some methods put other parameters in the place of the base's own, and some add a bias.
    for value in layer.get_base_layer().parameters():
        value.data = value.data.to(wanted)
