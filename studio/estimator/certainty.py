"""Certainty: which estimates were shown to be right against a real step, and how far off others may be."""

from __future__ import annotations

from typing import Literal

from studio.devices import Device
from studio.spec import TrainSpec

Certainty = Literal["exact", "bounded", "not estimated"]

# tests/studio/estimator/test_memory.py compares these with torch's own allocator events on the CPU.
PROVEN_FAMILIES = frozenset(
    {
        *(
            "bert",
            "bloom",
            "cohere",
            "cohere2",
            "falcon",
            "gemma2",
            "gemma3_text",
            "gpt2",
            "gpt_neox",
            "granite",
        ),
        *("llama", "mistral", "mpt", "olmo", "olmo2", "opt", "phi", "phi3", "qwen2", "qwen3"),
        *("smollm3", "stablelm", "t5"),
    }
)
PROVEN_METHODS = frozenset(
    {
        *("lora", "qlora", "full", "prompt_tuning", "prefix_tuning", "cartridge", "llama_adapter"),
        *("diff_pruning", "far", "intrinsic_prompt"),
    }
)
PROVEN_OPTIMIZERS = frozenset({"adamw", "sgd"})
PROVEN_PRECISIONS = frozenset({"fp32"})
# With double quantisation some 300 bytes of a tiny model's are missed: 0.03 %, so it is a range.
PROVEN_QUANTIZATIONS = frozenset({"none", "nf4", "fp4", "int8"})
# How far off the tensor bytes may be, as a share. Worst seen where nothing was proven: 5 %.
DOUBT: dict[Certainty, float] = {"exact": 0.0, "bounded": 0.1, "not estimated": 0.5}


def certainty(spec: TrainSpec, family: str, precision: str, device: Device) -> Certainty:
    """`exact` where the tensor bytes were compared with reality, on that kind of device, else `bounded`.

    `family` is the model_type of the configuration. Of several processes it is about each one's memory;
    what a model takes that is spread or offloaded was not compared with anything.
    """
    if spec.training.sharding != "none" or spec.training.offload != "none":
        return "not estimated"
    is_proven = (
        device.kind == "cpu"
        and family in PROVEN_FAMILIES
        and spec.method.name in PROVEN_METHODS
        and spec.training.optimizer in PROVEN_OPTIMIZERS
        and precision in PROVEN_PRECISIONS
        and spec.model.quantization in PROVEN_QUANTIZATIONS
        and not spec.model.double_quantization
        and spec.training.processes == 1
        and spec.training.compile != "on"
    )
    return "exact" if is_proven else "bounded"
