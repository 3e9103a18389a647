"""The survey: what a method is told of a loaded, or only outlined, base model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

from peft import TaskType
from torch import nn
from transformers.pytorch_utils import Conv1D

from studio.methods import Base, Module
from studio.methods.base import ModuleKind, Quantization, Task
from studio.training.heads import CAUSAL, Head, head_modules
from studio.training.quantized import QuantizedLinear


def survey(model: nn.Module, head: Head = CAUSAL) -> Base:
    """The base in `model` as methods see it; what stands on top of it (a classifier's head) is left out."""
    held: Any = model
    config = held.config.get_text_config()
    output, embedding = held.get_output_embeddings(), held.get_input_embeddings()
    return Base(
        family=str(held.config.model_type),
        task=cast(Task, TaskType(head.kind.task_type).value),
        hidden=int(embedding.weight.shape[-1]),
        vocab=int(config.vocab_size),
        modules=tuple(_modules(model, head, output)),
        quantization=_quantization(model),
        borders=_borders(config),
    )


def layer_of(name: str) -> int | None:
    """The index of the transformer layer in a dotted name: its first number."""
    return next((int(part) for part in name.split(".") if part.isdigit()), None)


def _modules(model: nn.Module, head: Head, output: nn.Module | None) -> Iterator[Module]:
    on_top = tuple(f"{name}." for name in head_modules(model, head))
    for name, module in model.named_modules():
        kind = _kind(module, output)
        if kind is None or f"{name}.".startswith(on_top or ("\0",)):
            continue
        inputs, outputs = _widths(module)
        yield Module(
            name=name,
            layer=layer_of(name),
            kind=kind,
            inputs=inputs,
            outputs=outputs,
            has_bias=getattr(module, "bias", None) is not None,
            is_attention=bool(re.search(r"attn|attention", name, re.IGNORECASE)),
        )


def _kind(module: nn.Module, output: nn.Module | None) -> ModuleKind | None:
    if module is output:
        return "output"
    if isinstance(module, nn.Linear):
        return "linear"
    if isinstance(module, Conv1D):
        return "conv1d"
    if isinstance(module, nn.Embedding):
        return "embedding"
    weight = getattr(module, "weight", None)
    is_norm = "norm" in type(module).__name__.lower()
    return "norm" if is_norm and weight is not None and weight.ndim == 1 else None


def _widths(module: Any) -> tuple[int, int]:
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    if isinstance(module, nn.Embedding):
        return module.num_embeddings, module.embedding_dim
    shape = module.weight.shape
    return int(shape[0]), int(shape[-1])


def _borders(config: Any) -> tuple[int, ...]:
    named = (getattr(config, name, None) for name in ("bos_token_id", "eos_token_id"))
    listed = [ids if isinstance(ids, list) else [ids] for ids in named if ids is not None]
    return tuple(sorted({int(number) for ids in listed for number in ids}))


def _quantization(model: nn.Module) -> Quantization:
    held = (module.kind for module in model.modules() if isinstance(module, QuantizedLinear))
    return next(held, "none")
