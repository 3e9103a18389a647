"""Pace: what real steps take beyond the prices of their operations, told by two small models here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from studio.estimator.operations import Work, recorded
from studio.estimator.prices import Cost, Prices, Seconds, least
from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training import adapters, attention, optimizers, step
from studio.training.adapters import trainable
from studio.training.batching import batch_of
from studio.training.fused import fuse
from studio.training.losses import loss_of

_EACH, _TIMES = "pace: seconds beside each operation", "pace: times its price"
# (hidden size, vocabulary, lengths of rows): in one model nothing counts but the number of operations, in
# the other nearly nothing but their sizes.
_NARROW, _BROAD = (32, 64, (6, 6)), (512, 4096, (150, 106))
_LAYERS, _STEPS = 2, 12
# The two equations are solved by turns; no operation takes less than half its price.
_ROUNDS, _LEAST = 20, 0.5


@dataclass(frozen=True)
class Pace:
    """What Python, autograd and their like take beside each operation (`beside`), and how many times its
    price an operation takes within a step (`times`), where caches and memory are shared with others."""

    beside: Seconds
    times: Seconds

    def seconds(self, cost: Cost) -> Seconds:
        """Of work with this cost."""
        beside, within = self.beside * cost.operations, cost.seconds
        return Seconds(
            beside.own + self.times.own * within.own, beside.cpu + self.times.cpu * within.cpu
        )


def pace(prices: Prices) -> Pace:
    """This machine's, tried once and kept with its prices."""
    beside, times = prices.get(_EACH), prices.get(_TIMES)
    if beside is None or times is None:
        with torch.random.fork_rng(devices=[]):
            found = _tried(prices)
        prices.keep(_EACH, found.beside)
        prices.keep(_TIMES, found.times)
        return found
    return Pace(beside, times)


def _tried(prices: Prices) -> Pace:
    """From two steps, two unknowns: each takes `beside · operations + times · price`."""
    (narrow_s, narrow), (broad_s, broad) = (
        (seconds, prices.cost(work)) for seconds, work in (_measured(*_NARROW), _measured(*_BROAD))
    )
    found = [
        _solved(
            (measured[0], narrow.operations, price[0]), (measured[1], broad.operations, price[1])
        )
        for measured, price in (
            ((narrow_s.own, broad_s.own), (narrow.seconds.own, broad.seconds.own)),
            ((narrow_s.cpu, broad_s.cpu), (narrow.seconds.cpu, broad.seconds.cpu)),
        )
    ]
    (own_beside, own_times), (cpu_beside, cpu_times) = found
    return Pace(Seconds(own_beside, cpu_beside), Seconds(own_times, cpu_times))


def _solved(
    narrow: tuple[float, float, float], broad: tuple[float, float, float]
) -> tuple[float, float]:
    """`(beside, times)` of `seconds = beside · operations + times · price` for both."""
    beside, times = 0.0, 1.0
    for _ in range(_ROUNDS):
        beside = max(0.0, (narrow[0] - times * narrow[2]) / narrow[1])
        times = max(_LEAST, (broad[0] - beside * broad[1]) / broad[2])
    return beside, times


def _measured(hidden: int, vocabulary: int, lengths: tuple[int, ...]) -> tuple[Seconds, Work]:
    """Seconds of a real step, the least of some, and its operations."""
    act = _step_of(hidden, vocabulary, lengths)
    act()
    work = recorded(act)
    taken = []
    for _ in range(_STEPS):
        began = Seconds.now()
        act()
        taken.append(Seconds.now() - began)
    return least(taken), work


def _step_of(hidden: int, vocabulary: int, lengths: tuple[int, ...]) -> Callable[[], None]:
    spec = TrainSpec.parse({"method": "lora"})
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=_LAYERS,
        num_attention_heads=hidden // 16 if hidden < 64 else hidden // 64,
        num_key_value_heads=2,
        vocab_size=vocabulary,
        tie_word_embeddings=True,
    )
    base = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    attention.use(base)
    model = adapters.attach(base, spec.method, seed=0)
    fuse(model)
    model.train()
    rows = [Encoded([0] * length, [1] * length) for length in lengths]
    batch = batch_of(rows, packed=True, pad_id=0)
    optimizer, loss = optimizers.build(model, spec), loss_of(spec.objective)
    weights = [parameter for _, parameter in trainable(model)]

    def act() -> None:
        step.micro_step(model, loss, batch, batch.units, torch.enable_grad())
        step.apply(optimizer, weights, spec.training.max_grad_norm)

    return act
