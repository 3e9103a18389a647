"""VeRA: shares one random pair of matrices among all layers and trains only two scales a layer."""

from __future__ import annotations

from functools import partial

from studio.methods.method import Method
from studio.methods.shared_matrices import Settings, peft_config

METHOD = Method(
    name="vera",
    title="VeRA",
    sentence="Shares one random pair of matrices among all layers and trains only two scales a layer.",
    paragraph=(
        "All layers of one shape share a frozen random pair of narrow matrices; each learns only two "
        "vectors that scale them. The number of trained parameters is a hundredth of LoRA's, the quality "
        "in PEFT's benchmark lower. It can be merged; the file also holds the random matrices."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2310.11454",
    settings=Settings,
    learning_rate=0.001,
    rate_source="PEFT's MetaMathQA benchmark, run vera:default",
    is_mergeable=True,
    memory="exact",
    peft_config=partial(peft_config, "VERA"),
)
