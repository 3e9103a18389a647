"""PVeRA: veRA with a little learned randomness while it trains."""

from __future__ import annotations

from functools import partial

from studio.methods.method import Method
from studio.methods.shared_matrices import Settings, peft_config

METHOD = Method(
    name="pvera",
    title="PVeRA",
    sentence="VeRA with a little learned randomness while it trains.",
    paragraph=(
        "Like VeRA, but what passes between the shared matrices is drawn at random around a learned "
        "middle while it trains, which works against learning by heart. In use the middle is taken, so "
        "answers do not vary. It can be merged."
    ),
    family="re-parametrised",
    paper="https://arxiv.org/abs/2512.07703",
    settings=Settings,
    learning_rate=0.003,
    rate_source="PEFT's MetaMathQA benchmark, run pvera:rank64",
    is_mergeable=True,
    memory="exact",
    peft_config=partial(peft_config, "PVERA"),
)
