"""Certainty: which estimates were shown to be right against a real step, and how far off others may be.

Each setting says beside its declaration what was shown of its values (`memory` in `spec/sections.py`), each
method beside its name, each objective beside its layout; the least sure of them decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pydantic

from studio.devices import Device
from studio.methods.method import Certainty
from studio.spec import TrainSpec

# tests/studio/estimator/test_memory.py compares these with torch's own allocator events on the CPU.
PROVEN_FAMILIES = frozenset(
    {
        *("bert", "bloom", "cohere", "cohere2", "falcon", "gemma2", "gemma3_text", "gpt2", "gpt_neox"),
        *("granite", "llama", "mistral", "mpt", "olmo", "olmo2", "opt", "phi", "phi3", "qwen2", "qwen3"),
        *("smollm3", "stablelm", "t5"),
    }
)  # fmt: skip
# How far off the tensor bytes may be, as a share. Worst seen where nothing was proven: 5 %.
DOUBT: dict[Certainty, float] = {"exact": 0.0, "bounded": 0.1, "not estimated": 0.5}


def certainty(spec: TrainSpec, family: str, precision: str, device: Device) -> Certainty:
    """`exact` where the tensor bytes were compared with reality, on that kind of device, else less sure.

    `family` is the model_type of the configuration, `precision` the name of the numbers that "auto" comes
    to. Of several processes it is about each one's memory.
    """
    is_proven = device.kind == "cpu" and family in PROVEN_FAMILIES
    found: set[Certainty] = {"exact" if is_proven else "bounded", spec.method.method.memory}
    values = spec.training.model_dump() | {"precision": precision}
    found.update(_declared(type(spec.training), values))
    found.update(_declared(type(spec.model), spec.model.model_dump()))
    found.update(_declared(type(spec.method.settings), spec.method.settings.model_dump()))
    return max(found, key=list(DOUBT).index)


def _declared(section: type[pydantic.BaseModel], values: dict[str, Any]) -> Iterator[Certainty]:
    """What the fields of a section declare of their values; of one that is not named, what of `more`."""
    for name, field in section.model_fields.items():
        more = field.json_schema_extra
        declared: Any = (more if isinstance(more, dict) else {}).get("memory")
        if declared:
            yield declared.get(str(values[name]), declared.get("more", "bounded"))
