"""LLaMA-Adapter: `attention(q, K, V) + g · attention(q, K', V')`, with K', V' of a learned prompt.

Zhang et al. 2023 (arXiv:2303.16199), section 3: a prompt of its own for each layer, whose part is let in
by a gate g that begins at zero. As in PEFT there is one gate a layer, without a curve (the authors' code
has a tanh and one a head). A layer with width d and P places has P d + 1 parameters.

The prompt becomes keys and values by the attention's own code, run on the prompt alone: so fused
projections and norms of keys need not be known here. The queries are those that the text attends with.
"""

from __future__ import annotations

import inspect
import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import safetensors.torch
import torch
from peft import AdaptionPromptConfig, PeftType
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from torch import Tensor, nn
from transformers import AttentionInterface

from studio.training.tuners.layers import Layer, LayerConfig, LayerModel, register
from studio.training.tuners.tuner import Tuner

NAME = "studio_gated_prompt"
Attention = Callable[..., tuple[Tensor, Any]]
# Where PEFT's own AdaptionPrompt computes the same, and so can load what was learned.
_PEFTS_FAMILIES = {"llama", "mistral"}


@dataclass
class LlamaAdapterConfig(LayerConfig):
    """How many places each attention module is given."""

    virtual_tokens: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = "LLAMA_ADAPTER"


class LlamaAdapterLayer(Layer):
    """An attention module that a gated prompt stands beside."""

    adapter_layer_names = ("llama_adapter_prompt", "llama_adapter_gate")
    parts: ClassVar[dict[str, type]] = {
        "llama_adapter_prompt": nn.ParameterDict,
        "llama_adapter_gate": nn.ParameterDict,
    }

    def build(self, adapter: str, config: Any) -> None:
        """Raises ValueError where the attention module takes no other function for its attention."""
        module = self.get_base_layer()
        if not _asks_for_its_function(module):
            raise ValueError(
                "it computes attention by code of its own, which nothing can be added to"
            )
        held: Tensor = next(itertools.chain(module.parameters(), module.buffers()))
        # Standard normal, as the authors' and PEFT's.
        prompt = torch.randn(config.virtual_tokens, module.config.hidden_size).to(held.device)
        self.llama_adapter_prompt[adapter] = nn.Parameter(prompt)
        self.llama_adapter_gate[adapter] = nn.Parameter(torch.zeros(1, device=held.device))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        active = [name for name in self.active_adapters if name in self.configs]
        if self.disable_adapters or not active:
            return self.base_layer(*args, **kwargs)
        module = self.get_base_layer()
        given = inspect.signature(module.forward).bind(*args, **kwargs).arguments
        beside = [(*self._keys_and_values(name, given), self._gate(name)) for name in active]

        def attend(own: Attention, *tensors: Any, **options: Any) -> tuple[Tensor, Any]:
            attended, weights = own(*tensors, **options)
            query, scaling = tensors[1], options.get("scaling")
            for keys, values, gate in beside:
                part = _attention(query, keys, values, scaling)
                attended = attended + gate.to(attended.dtype) * part
            return attended, weights

        with _attending(module, attend):
            return self.base_layer(*args, **kwargs)

    def _gate(self, adapter: str) -> Tensor:
        gate: Tensor = self.llama_adapter_gate[adapter]
        return gate

    def _keys_and_values(self, adapter: str, given: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """The prompt's keys and values `(1, G, P, D)`: what the module's own code would attend with."""
        module = self.get_base_layer()
        text = given["hidden_states"]
        prompt = self.llama_adapter_prompt[adapter].to(text.dtype)[None]
        found: list[tuple[Tensor, Tensor]] = []

        def note(_: Attention, *tensors: Any, **__: Any) -> tuple[Tensor, Any]:
            query, keys, values = tensors[1:4]
            found.append((keys, values))
            # As attention would give it; nobody looks at it.
            return values.new_zeros((1, query.shape[2], query.shape[1], values.shape[3])), None

        positions = given.get("position_embeddings")
        places = (
            {}
            if positions is None
            else {"position_embeddings": _unturned(positions, prompt.shape[1])}
        )
        with _attending(module, note):
            module(hidden_states=prompt, attention_mask=None, **places)
        return found[0]


class LlamaAdapterModel(LayerModel):
    """LLaMA-Adapter on a model."""

    prefix = "llama_adapter_"
    tuner_layer_cls = LlamaAdapterLayer
    why_unmergeable = (
        "LLaMA-Adapter cannot be merged into the model: what its layers attend to beside the text is no "
        'change of its weights. Export the adapter instead (format "adapter").'
    )

    def _replace_module(
        self, parent: nn.Module, child_name: str, new_module: nn.Module, child: nn.Module
    ) -> None:
        """What was built lies on the right device already; PEFT would look for a weight to tell by."""
        setattr(parent, child_name, new_module)

    @classmethod
    def _remap_adapter_state_dict_for_load(
        cls, model: Any, config: Any, adapter_name: str, state_dict: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """As PEFT does it; tensors of its AdaptionPrompt under our names and in our shapes."""
        remapped: dict[str, Tensor] = super()._remap_adapter_state_dict_for_load(
            model, config, adapter_name, _under_our_names(state_dict)
        )
        return remapped


class LlamaAdapterTuner(Tuner):
    """Our own on every model; where PEFT's AdaptionPrompt computes the same, saved as that."""

    def adopts(self, config: Any, base: Any) -> LlamaAdapterConfig | None:
        """PEFT's AdaptionPrompt, which knows neither few bits nor attention by document."""
        known = getattr(base.config, "model_type", "") in _PEFTS_FAMILIES
        if config.peft_type != PeftType.ADAPTION_PROMPT or not known:
            return None
        depth = int(base.config.num_hidden_layers)
        layers = range(depth - config.adapter_layers, depth)
        return LlamaAdapterConfig(
            task_type=config.task_type,
            base_model_name_or_path=config.base_model_name_or_path,
            inference_mode=True,
            virtual_tokens=config.adapter_len,
            target_modules=[f"model.layers.{number}.self_attn" for number in layers],
        )

    def named(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Under our names, also where it was saved as PEFT's."""
        return _under_our_names(tensors)

    def save(self, model: Any, folder: Path, settings: Any) -> None:
        own, layers = model.peft_config["default"], model.base_model.layers()
        if not _is_pefts(model, layers):
            super().save(model, folder, settings)
            return
        config = AdaptionPromptConfig(
            task_type=own.task_type,
            base_model_name_or_path=own.base_model_name_or_path,
            inference_mode=True,
            target_modules="self_attn",
            adapter_len=own.virtual_tokens,
            adapter_layers=len(layers),
        )
        tensors = {}
        for layer in layers:
            before = f"base_model.model.{layer.key}.adaption_"
            tensors[f"{before}prompt"] = layer.llama_adapter_prompt["default"].detach()[None]
            tensors[f"{before}gate"] = layer.llama_adapter_gate["default"].detach()
        folder.mkdir(parents=True, exist_ok=True)
        safetensors.torch.save_file(
            {name: value.cpu().clone() for name, value in tensors.items()},
            folder / SAFETENSORS_WEIGHTS_NAME,
            metadata={"format": "pt"},
        )
        config.save_pretrained(str(folder))


def _under_our_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of PEFT's AdaptionPrompt under our names and in our shapes; ours as they are."""
    return {
        name.replace(".adaption_", f".{LlamaAdapterModel.prefix}"): value[0]
        if value.ndim == 3
        else value
        for name, value in tensors.items()
    }


class _Gated:
    """A module's configuration that names our attention function, and knows what it is to do."""

    def __init__(self, own: Any, attend: Callable[..., tuple[Tensor, Any]]) -> None:
        self.own, self.attend = own, attend
        self._attn_implementation = NAME

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)


@contextmanager
def _attending(module: Any, attend: Callable[..., tuple[Tensor, Any]]) -> Iterator[None]:
    """Within, `attend(own function, module, query, key, value, ...)` is the module's attention."""
    own = module.config
    module.config = _Gated(own, attend)
    try:
        yield
    finally:
        module.config = own


def _gated(module: Any, *args: Any, **options: Any) -> tuple[Tensor, Any]:
    """What transformers calls; the module's own function is the one that its true configuration names."""
    gated = module.config
    own = AttentionInterface().get_interface(gated.own._attn_implementation, _eager(module))
    made: tuple[Tensor, Any] = gated.attend(own, module, *args, **options)
    return made


def _eager(module: nn.Module) -> Any:
    """The attention function in the file of the module's class, which "eager" means."""
    return getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)


def _asks_for_its_function(module: Any) -> bool:
    """Whether the module asks transformers which attention function to call, by its configuration."""
    forward = inspect.unwrap(type(module).forward)
    asks = "ALL_ATTENTION_FUNCTIONS" in forward.__code__.co_names
    return asks and hasattr(module, "config") and _eager(module) is not None


def _attention(query: Tensor, keys: Tensor, values: Tensor, scaling: float | None) -> Tensor:
    """`query (B, H, T, D)` attending to all of `keys`, `values (1, G, P, D)`; gives `(B, T, H, D)`."""
    groups = query.shape[1] // keys.shape[1]
    keys, values = (each.to(query.dtype).repeat_interleave(groups, 1) for each in (keys, values))
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = query @ keys.transpose(2, 3) * scale
    shares = scores.softmax(-1, dtype=torch.float32).to(query.dtype)
    return (shares @ values).transpose(1, 2)


def _unturned(positions: Any, count: int) -> Any:
    """Positions that turn nothing: cosines of one and sines of zero, shaped as the text's."""
    cosines, sines = positions
    shape = (1, count, cosines.shape[-1])
    return cosines.new_ones(shape), sines.new_zeros(shape)


def _is_pefts(model: Any, layers: list[LlamaAdapterLayer]) -> bool:
    """Whether PEFT's AdaptionPrompt gives the same: Llama's attention, of plain widths, topmost layers."""
    own, config = model.peft_config["default"], model.get_base_model().config
    first = layers[0].get_base_layer()
    if config.model_type not in _PEFTS_FAMILIES or own.task_type != "CAUSAL_LM":
        return False
    depth = config.num_hidden_layers
    topmost = [f"model.layers.{number}.self_attn" for number in range(depth - len(layers), depth)]
    is_plain = first.head_dim * config.num_attention_heads == config.hidden_size
    # PEFT sends the prompt's part through the output projection by itself, which would add its bias twice.
    return is_plain and first.o_proj.bias is None and [each.key for each in layers] == topmost


AttentionInterface.register(NAME, _gated)
register("llama_adapter", LlamaAdapterConfig, LlamaAdapterModel)
TUNER = LlamaAdapterTuner()
