"""Targets: which modules of a base learn, said by two settings that many methods share."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from studio.errors import AskedWrongly, FieldProblem
from studio.methods.base import Base, Module

LayerIndex = Annotated[int, Field(ge=0)]


class LastLayers(BaseModel):
    """The uppermost layers only: `{"last": 4}`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    last: Annotated[int, Field(ge=1)]


def _as_tuple(value: Any) -> Any:
    """JSON has lists; a frozen value holds tuples."""
    return tuple(value) if isinstance(value, list) else value


Targets = Annotated[
    Literal["all-linear", "attention"] | tuple[str, ...], BeforeValidator(_as_tuple)
]
Layers = Annotated[Literal["all"] | LastLayers | tuple[LayerIndex, ...], BeforeValidator(_as_tuple)]

# Declared here once; `Any`, since a field stands where its value will.
TARGETS: Any = Field(
    "all-linear",
    title="Which parts learn",
    description="All linear layers (best quality), the attention layers only (smaller), or module names.",
    json_schema_extra={"unit": "", "cost": "memory", "level": "advanced", "picks": "modules"},
)
LAYERS: Any = Field(
    "all",
    title="Which layers learn",
    description="All layers, the last N only (faster), or a list of layer numbers from 0.",
    json_schema_extra={"unit": "", "cost": "time", "level": "advanced", "picks": "layers"},
)


class Targeted(Protocol):
    """Settings that say which modules learn."""

    @property
    def targets(self) -> Targets: ...

    @property
    def layers(self) -> Layers: ...


def choose(settings: Targeted, base: Base) -> list[Module]:
    """The linear modules that `targets` and `layers` name, in the model's order.

    Raises AskedWrongly when a name or a layer is not there.
    """
    modules = in_layers(base.linear, settings.layers, base.depth)
    if settings.targets == "attention":
        modules = [module for module in modules if module.is_attention]
    elif isinstance(settings.targets, tuple):
        _refuse_unknown(settings.targets, base.linear)
        modules = [module for module in modules if is_named(module.name, settings.targets)]
    if settings.targets == ():
        words = "No layer of the model is chosen. Tick at least one."
        raise AskedWrongly(words, code="spec", fields=[FieldProblem("method.targets", words)])
    if not modules:
        known = ", ".join(_last_names(base.linear))
        raise AskedWrongly(
            f"No layer of this model is called {settings.targets!r}. It has: {known}.",
            code="spec",
            fields=[FieldProblem("method.targets", f"This model has: {known}.")],
        )
    return modules


def in_layers(modules: Sequence[Module], layers: Layers, depth: int) -> list[Module]:
    """Those of `modules` that lie in the chosen layers. Raises AskedWrongly for a layer that is not there."""
    if layers == "all":
        return list(modules)
    wanted = layer_numbers(layers, depth)
    return [module for module in modules if module.layer in wanted]


def layer_numbers(layers: Layers, depth: int) -> set[int]:
    """The numbers of the chosen layers. Raises AskedWrongly for one that is not there."""
    if isinstance(layers, str):
        return set(range(depth))
    if isinstance(layers, LastLayers):
        return set(range(max(0, depth - layers.last), depth))
    wanted = set(layers)
    if max(wanted, default=0) >= depth:
        words = (
            f"Layer {max(wanted)} was chosen, but this model has {depth} layers, 0 to {depth - 1}."
        )
        raise AskedWrongly(words, code="spec", fields=[FieldProblem("method.layers", words)])
    return wanted


def is_named(name: str, targets: Sequence[str]) -> bool:
    """Whether a full name is one of `targets`, or ends with one."""
    return any(name == target or name.endswith(f".{target}") for target in targets)


def peft_names(chosen: Sequence[Module], modules: Sequence[Module]) -> list[str]:
    """`chosen` as PEFT's target_modules: by last names where that means the same set of `modules`."""
    names = [module.name for module in chosen]
    last_names = sorted({module.last_name for module in chosen})
    all_of_those = [module.name for module in modules if is_named(module.name, last_names)]
    return last_names if all_of_those == names else names


def peft_targets(settings: Targeted, base: Base) -> list[str]:
    """`choose`, as PEFT's target_modules."""
    return peft_names(choose(settings, base), base.linear)


def _refuse_unknown(targets: Sequence[str], modules: Sequence[Module]) -> None:
    known = _last_names(modules)
    for target in targets:
        if any(is_named(module.name, [target]) for module in modules):
            continue
        near = difflib.get_close_matches(target, known, n=1)
        guess = f" Did you mean '{near[0]}'?" if near else ""
        words = f"This model has no layer called '{target}'.{guess} It has: {', '.join(known)}."
        raise AskedWrongly(words, code="spec", fields=[FieldProblem("method.targets", words)])


def _last_names(modules: Sequence[Module]) -> list[str]:
    return sorted({module.last_name for module in modules})
