"""Every method that learns a prompt: the same losses as plain PEFT, the same logits when loaded again."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from studio.errors import AskedWrongly
from studio.inference.answers import answer
from studio.spec import ModelChoice, TrainSpec
from studio.training import adapters, loading, loop, optimizers, prompts, step
from studio.training.batching import IGNORED, micro_batches
from studio.training.losses import loss_of
from studio.verification import reference
from tests.samples import sampled
from tests.studio.estimator.configurations import make_rows
from tests.studio.training.setups import encoded, setup
from tests.studio.training.tuners.soft_prompts import (
    REFUSED,
    WAYS,
    base_of,
    ids,
    pairs,
    plainly_loaded,
    put_on,
    sampled_pairs,
)

STEPS, BATCH, RATE = 20, 4, 1e-2
CHAT = TrainSpec.parse({}).objective
SEQ2SEQ = TrainSpec.parse({"objective": "seq2seq"}).objective
LABELS = TrainSpec.parse(
    {"objective": {"name": "classification", "labels": ["a", "b", "c"]}}
).objective


def spec_of(way: str) -> TrainSpec:
    training = {"learning_rate": RATE, "scheduler": "constant", "batch_size": BATCH}
    return TrainSpec.parse({"method": WAYS[way], "training": training})


def our_losses(model: nn.Module, spec: TrainSpec, rows: list[Any]) -> list[float]:
    """Mean loss a token of every step, as the loop takes it, padded."""
    optimizer = optimizers.build(model, spec)
    optimizers.set_rate(optimizer, RATE)
    losses = []
    for batch in micro_batches(rows, BATCH, packed=False, pad_id=3):
        numbers = loading.choose_numbers("fp32", torch.device("cpu"), trains_weights=False)
        loss = loss_of(spec.objective)
        found = step.micro_step(model, loss, batch, batch.units, numbers.context())
        step.apply(optimizer, (value for _, value in adapters.trainable(model)), 1.0)
        losses.append(float(found.total) / batch.units)
    return losses


def plain_losses(model: Any, rows: list[Any]) -> list[float]:
    """The same steps by PEFT's own forward with labels, and torch's AdamW."""
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=0.0)
    losses = []
    for begin in range(0, len(rows), BATCH):
        chosen = rows[begin : begin + BATCH]
        width = max(len(row.ids) for row in chosen)
        given = [row.ids + [3] * (width - len(row.ids)) for row in chosen]
        mask = [[1] * len(row.ids) + [0] * (width - len(row.ids)) for row in chosen]
        labels = [
            [i if m else IGNORED for i, m in zip(row.ids, row.mask, strict=True)]
            + [IGNORED] * (width - len(row.ids))
            for row in chosen
        ]
        output = model(
            input_ids=torch.tensor(given),
            attention_mask=torch.tensor(mask),
            labels=torch.tensor(labels),
        )
        output.loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(output.loss.detach()))
    return losses


@pytest.mark.parametrize("way", WAYS)
def test_twenty_steps_are_those_of_plain_peft_in_a_plain_loop(way: str, tiny_model: Path) -> None:
    spec, rows = spec_of(way), encoded(STEPS * BATCH)
    ours: Any = adapters.attach(
        loading.load_base(tiny_model, torch.float32), spec.method, seed=0
    ).train()
    theirs = copy.deepcopy(ours)

    found = our_losses(ours, spec, rows)

    assert found == pytest.approx(plain_losses(theirs, rows), rel=1e-6)
    assert found[-1] < found[0]


@pytest.mark.parametrize(("name", "way"), sampled_pairs())
def test_loaded_again_by_plain_peft_the_logits_are_the_same(
    name: str, way: str, tmp_path: Path
) -> None:
    base = base_of(name)
    alone = base_of(name)
    model = put_on(base, way)
    row = ids(9)
    with torch.no_grad():
        expected = prompts.of_the_row(model, model(input_ids=row, use_cache=False).logits)
        plain = alone(input_ids=row, use_cache=False).logits
        with adapters.without(model) as switched_off:
            off = switched_off(input_ids=row, use_cache=False).logits

    choice = TrainSpec.parse({"method": WAYS[way]}).method
    adapters.save(model, tmp_path, base_name="base", choice=choice)
    again = plainly_loaded(alone, tmp_path)
    with torch.no_grad():
        found = prompts.of_the_row(again, again(input_ids=row, use_cache=False).logits)

    assert torch.equal(off, plain)
    assert expected.shape == plain.shape
    assert (found - expected).abs().max() <= 1e-6 * expected.abs().max()
    assert (expected - plain).abs().max() > 1e-4 * plain.abs().max()


@pytest.mark.parametrize(("name", "way"), sampled_pairs())
def test_a_padded_row_has_the_loss_and_the_gradients_of_the_row_alone(name: str, way: str) -> None:
    model = put_on(base_of(name), way)  # without dropout
    rows = make_rows(15, 9, 12)

    def gradients(size: int) -> tuple[float, list[Tensor]]:
        total = 0.0
        for batch in micro_batches(rows, size, packed=False, pad_id=0):
            loss = loss_of(CHAT)
            numbers = loading.choose_numbers("fp32", torch.device("cpu"), trains_weights=False)
            total += float(step.micro_step(model, loss, batch, 1, numbers.context()).total)
        found = []
        for _, value in adapters.trainable(model):
            assert value.grad is not None
            found.append(value.grad.clone())
            value.grad = None
        return total, found

    together, of_together = gradients(3)
    alone, of_alone = gradients(1)

    assert together == pytest.approx(alone, rel=1e-5)
    assert any(gradient.abs().max() > 0 for gradient in of_alone)
    for left, right in zip(of_together, of_alone, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-3, atol=1e-4 * float(right.abs().max()))


@pytest.mark.parametrize("way", WAYS)
def test_answers_do_not_depend_on_what_is_asked_beside_them(way: str, tiny_model: Path) -> None:
    model = put_on(loading.load_base(tiny_model, torch.float32), way)
    tokenizer = loading.load_tokenizer(tiny_model)
    asked = [
        [{"role": "user", "content": words}]
        for words in ("Where is the lamp?", "Why?", "Do you wrap a teapot as a gift for 12 euros?")
    ]

    together = answer(model, tokenizer, asked, max_new_tokens=8)
    alone = [answer(model, tokenizer, [each], max_new_tokens=8)[0] for each in asked]

    assert together == alone
    with adapters.without(model) as base:
        bare = answer(base, tokenizer, asked, max_new_tokens=8)
    plain = loading.load_base(tiny_model, torch.float32).eval()
    assert bare == answer(plain, tokenizer, asked, max_new_tokens=8)


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_is_made_of_the_likeliest_tokens_that_training_s_forward_gives(
    way: str, tiny_model: Path
) -> None:
    """Generation with its cache against the whole row computed anew for each token."""
    model = put_on(loading.load_base(tiny_model, torch.float32), way)
    row = encoded(1)[0].ids[:20]

    with torch.no_grad():
        said = model.generate(
            input_ids=torch.tensor([row]),
            attention_mask=torch.ones(1, len(row), dtype=torch.int64),
            max_new_tokens=6,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=3,
        )[0].tolist()
        expected = list(row)
        for _ in range(6):
            encoding = reference.Encoded(expected, [1] * len(expected))
            logits = reference.logits_of(model, encoding, CHAT)
            expected.append(int(logits[-1].argmax()))

    assert said == expected


@pytest.mark.parametrize(
    ("name", "way"), [(name, way) for way, names in REFUSED.items() for name in sorted(names)]
)
def test_a_model_that_it_cannot_be_put_on_is_refused_in_words(name: str, way: str) -> None:
    objective = {"t5": SEQ2SEQ, "bert": LABELS}.get(name, CHAT)

    with pytest.raises(AskedWrongly, match="cannot be used with this model"):
        put_on(base_of(name, objective), way, objective)


@pytest.mark.parametrize("way", WAYS)
def test_it_is_never_merged(way: str) -> None:
    method = spec_of(way).method.method

    assert not method.is_mergeable
    assert not method.packs or method.name == "llama_adapter"


@pytest.mark.parametrize(("name", "way"), pairs(["llama", "gpt2", "opt", "bert"], "SEQ_CLS"))
def test_a_class_does_not_depend_on_padding_and_is_the_same_loaded_again(
    name: str, way: str, tmp_path: Path
) -> None:
    model = put_on(base_of(name, LABELS), way, LABELS)
    rows = [replace(row, target=(1,)) for row in make_rows(15, 9, 12)]

    def logits(model: Any, size: int) -> Tensor:
        pad_id = model.config.pad_token_id
        batches = micro_batches(rows, size, packed=False, pad_id=pad_id, layout="classes")
        with torch.no_grad():
            return torch.cat([step.logits_of(model, batch) for batch in batches])

    expected = logits(model, 1)
    choice = TrainSpec.parse({"method": WAYS[way]}).method
    adapters.save(model, tmp_path, base_name="base", choice=choice)
    again = plainly_loaded(base_of(name, LABELS), tmp_path)

    torch.testing.assert_close(logits(model, 3), expected, rtol=1e-4, atol=1e-5)
    found = again(input_ids=torch.tensor([rows[0].ids]), attention_mask=torch.ones(1, 15)).logits
    torch.testing.assert_close(found, expected[:1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "way"), pairs(["t5"], "SEQ_2_SEQ_LM"))
def test_an_encoder_with_a_decoder_learns_and_answers_the_same_loaded_again(
    name: str, way: str, tmp_path: Path
) -> None:
    model = put_on(base_of(name, SEQ2SEQ), way, SEQ2SEQ)
    rows = [replace(row, target=tuple(row.ids[:5])) for row in make_rows(15, 9, 12)]
    (batch,) = micro_batches(rows, 3, packed=False, pad_id=0, layout="decoder")
    numbers = loading.choose_numbers("fp32", torch.device("cpu"), trains_weights=False)
    step.micro_step(model, loss_of(SEQ2SEQ), batch, 1, numbers.context())
    assert all(value.grad is not None for _, value in adapters.trainable(model))

    choice = TrainSpec.parse({"method": WAYS[way]}).method
    adapters.save(model, tmp_path, base_name="base", choice=choice)
    again = plainly_loaded(base_of(name, SEQ2SEQ), tmp_path)

    with torch.no_grad():
        expected, found = (step.logits_of(each, batch) for each in (model, again))
        asked = {
            "input_ids": ids(7),
            "max_new_tokens": 5,
            "do_sample": False,
            "decoder_start_token_id": 0,
        }
        assert torch.equal(model.generate(**asked), again.generate(**asked))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("way", "kind"), sampled(WAYS, ["nf4", "int8"], each=1))
@pytest.mark.some(3)
def test_it_learns_over_a_base_in_few_bits(
    way: str, kind: str, tiny_model: Path, tmp_path: Path
) -> None:
    held = ModelChoice.model_validate({"quantization": kind})
    ready = setup(tiny_model, tmp_path, method=WAYS[way], held=held, learning_rate=0.05, epochs=6)

    reports: list[loop.Report] = []
    loop.run(ready, on_report=reports.append, should_stop=lambda: False)

    losses = [report.held_out_loss for report in reports if report.held_out_loss is not None]
    assert losses[-1] < losses[0]
