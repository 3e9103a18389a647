"""What prefix tuning and cartridges share: settings, and bases whose keys and values they cannot take."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from studio.methods.base import Base

# Declared here once; `Any`, since a field stands where its value will.
TEXT: Any = Field(
    "",
    max_length=20_000,
    title="Begin with a text",
    description="Begin as if the model had read this text; left empty, the first examples' questions.",
    json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
)

# Kinds of models whose keys and values have another form than PEFT hands over.
_OTHER_FORMS = {
    "falcon": "all its heads share one key and value, which PEFT hands over in another form",
    "deepseek_v3": "the keys and values of its heads differ in width, and PEFT hands them over in one",
    "mpt": "PEFT cannot tell how many heads it has",
}
# Parts of a name that tell of layers without keys and values.
_WITHOUT_KEYS = ("mamba", "ssm", "linear_attn", "recurrent", "conv")


def unsuited(settings: Any, base: Base) -> str | None:
    """Where PEFT's way of handing keys and values to the layers fails."""
    if base.family in _OTHER_FORMS:
        return _OTHER_FORMS[base.family]
    names = {part for module in base.linear for part in module.name.split(".")}
    if any(word in name for name in names for word in _WITHOUT_KEYS):
        return "some of its layers have no keys and values that a prefix could be"
    return None
