"""LoRA: a low-rank update beside each chosen linear layer."""

from __future__ import annotations

from studio.methods.low_rank import (
    FREE_SETTINGS,
    Settings,
    peft_config,
    rate_factor,
    rate_share,
    unsuited,
    why_finished,
)
from studio.methods.method import Method

METHOD = Method(
    name="lora",
    title="LoRA",
    sentence="Learns a small add-on beside the model; quick, light, and the model itself stays as it is.",
    paragraph=(
        "Beside each linear layer a pair of narrow matrices is trained, whose product is added to the "
        "layer's output; the base model stays frozen. Usually well below 2 % of the parameters train, the "
        "result is a small file, and it can be merged into the model so that nothing gets slower. "
        "The best first choice for nearly every task."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2106.09685",
    settings=Settings,
    learning_rate=2e-4,
    rate_source="QLoRA paper, section 4 (arXiv:2305.14314): 2e-4 up to 13 billion parameters",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    rate_factor=rate_factor,
    rate_share=rate_share,
    is_well_known=True,
    unsuited=unsuited,
    why_finished=why_finished,
    free_settings=FREE_SETTINGS,
)
