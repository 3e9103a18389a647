"""QLoRA: LoRA over a base whose frozen weights are held in 4 bits."""

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
    name="qlora",
    title="QLoRA",
    sentence="LoRA with the model held in 4 bits: fits where LoRA does not, for slower steps.",
    paragraph=(
        "The same small add-on as LoRA, trained beside a model whose frozen weights are held in 4 bits "
        "each (nf4 unless you choose fp4 or int8): about a seventh of their memory in 32 bits. The add-on "
        "itself is held and trained in full. Rounding the model costs a little quality, and unpacking it "
        "costs time in every step; choose it where LoRA does not fit into the memory."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2305.14314",
    settings=Settings,
    learning_rate=2e-4,
    rate_source="QLoRA paper, section 4 (arXiv:2305.14314): 2e-4 up to 13 billion parameters",
    is_mergeable=True,
    memory="exact",
    peft_config=peft_config,
    rate_factor=rate_factor,
    rate_share=rate_share,
    unsuited=unsuited,
    why_finished=why_finished,
    free_settings=FREE_SETTINGS,
    quantization="nf4",
    tuner="lora",
    is_well_known=True,
)
