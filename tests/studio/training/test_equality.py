"""Equality: our step against transformers' Trainer and TRL's, and both against 64-bit arithmetic."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments

from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training import adapters, loading, optimizers, probe, step
from studio.training.batching import IGNORED, Batch, micro_batches
from studio.training.fitting import Fit
from studio.training.fused import fuse
from studio.training.losses import loss_of
from studio.training.reference import with_reference
from tests import tiny
from tests.studio.training.setups import encoded

STEPS, BATCH, RATE = 20, 4, 1e-3
METHODS = ["full", "lora"]


def spec_of(method: str, objective: Any = "chat") -> TrainSpec:
    """A constant learning rate, so that no schedule is compared."""
    training = {"learning_rate": RATE, "scheduler": "constant", "batch_size": BATCH}
    return TrainSpec.parse({"method": method, "objective": objective, "training": training})


def adapted(folder: Path, spec: TrainSpec) -> nn.Module:
    """The tiny model with its method."""
    base = loading.load_base(folder, torch.float32)
    return adapters.attach(base, spec.method, seed=0).train()


def rows(steps: int = STEPS) -> list[Encoded]:
    """As many rows as the steps take, of many lengths."""
    return encoded(steps * BATCH)


def our_losses(model: nn.Module, spec: TrainSpec, batches: Iterator[Batch]) -> list[float]:
    """Mean loss a token of every step, as the loop takes it."""
    optimizer = optimizers.build(model, spec)
    optimizers.set_rate(optimizer, RATE)
    losses = []
    for batch in batches:
        numbers = loading.choose_numbers("fp32", torch.device("cpu"), trains_weights=False)
        found = step.micro_step(
            model, loss_of(spec.objective), batch, batch.units, numbers.context()
        )
        step.clip((value for _, value in adapters.trainable(model)), 1.0)
        step.update(optimizer, applies=True)
        losses.append(float(found.total) / batch.units)
    return losses


def padded(given: list[Encoded]) -> Iterator[Batch]:
    """The reference layout: one row a line."""
    return micro_batches(given, BATCH, packed=False, pad_id=3)


class Rows(Dataset[dict[str, list[int]]]):
    """Encoded rows as transformers' trainers take them."""

    def __init__(self, given: list[Encoded]) -> None:
        self.given = given

    def __len__(self) -> int:
        return len(self.given)

    def __getitem__(self, at: int) -> dict[str, list[int]]:
        row = self.given[at]
        labels = [i if m else IGNORED for i, m in zip(row.ids, row.mask, strict=True)]
        return {"input_ids": row.ids, "labels": labels}


def collate(examples: list[dict[str, list[int]]]) -> dict[str, Any]:
    """Padded on the right."""
    width = max(len(example["input_ids"]) for example in examples)
    fill = {"input_ids": 3, "labels": IGNORED}
    filled = {
        name: torch.tensor([e[name] + [value] * (width - len(e[name])) for e in examples])
        for name, value in fill.items()
    }
    lengths = torch.tensor([len(example["input_ids"]) for example in examples])
    return filled | {"attention_mask": (torch.arange(width) < lengths[:, None]).long()}


def arguments(folder: Path, steps: int) -> dict[str, Any]:
    """The same run for a trainer of transformers' kind."""
    return {
        "output_dir": str(folder),
        "per_device_train_batch_size": BATCH,
        "max_steps": steps,
        "learning_rate": RATE,
        "lr_scheduler_type": "constant",
        "weight_decay": 0.0,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "train_sampling_strategy": "sequential",
        "disable_tqdm": True,
        "logging_strategy": "no",
    }


def recording(kind: type, losses: list[float]) -> type:
    """A trainer that writes down each step's loss in full."""

    class Recording(kind):  # type: ignore[misc]
        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            found = super().compute_loss(*args, **kwargs)
            losses.append(float((found[0] if isinstance(found, tuple) else found).detach()))
            return found

    return Recording


def trainer_losses(model: nn.Module, given: list[Encoded], folder: Path) -> list[float]:
    """The same steps by transformers' Trainer."""
    losses: list[float] = []
    steps = len(given) // BATCH
    recording(Trainer, losses)(
        model=model,
        args=TrainingArguments(**arguments(folder, steps)),
        train_dataset=Rows(given),
        data_collator=collate,
    ).train()
    return losses


def sft_losses(model: nn.Module, given: list[Encoded], folder: Path) -> list[float]:
    """The same steps by TRL's SFTTrainer."""
    from datasets import Dataset as Table
    from trl import SFTConfig, SFTTrainer

    losses: list[float] = []
    steps = len(given) // BATCH
    table = Rows(given)
    recording(SFTTrainer, losses)(
        model=model,
        args=SFTConfig(
            **arguments(folder, steps),
            max_length=None,
            gradient_checkpointing=False,
            bf16=False,
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        processing_class=tiny.make_tokenizer(),
        train_dataset=Table.from_list([table[at] for at in range(len(table))]),
    ).train()
    return losses


def exact_losses(model: nn.Module, given: list[Encoded]) -> list[float]:
    """The same steps in float64, written out plainly."""
    model = copy.deepcopy(model).double()
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=0.0)
    losses = []
    for begin in range(0, len(given), BATCH):
        table = Rows(given[begin : begin + BATCH])
        batch = collate([table[at] for at in range(BATCH)])
        labels = batch.pop("labels")[:, 1:]
        logits = model(**batch, use_cache=False).logits[:, :-1]
        loss = functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED
        )
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses


def apart(losses: Sequence[float], others: Sequence[float]) -> float:
    """The largest difference of two curves, as a share of the second."""
    return max(abs(a - b) / b for a, b in zip(losses, others, strict=True))


@pytest.mark.parametrize("method", [*METHODS, "prompt_tuning"])
@pytest.mark.parametrize("rival", [trainer_losses, sft_losses])
def test_the_padded_path_takes_the_steps_of_the_field_s_trainers(
    rival: Any, method: str, tiny_model: Path, tmp_path: Path
) -> None:
    spec = spec_of(method)
    ours, theirs = adapted(tiny_model, spec), adapted(tiny_model, spec)

    found = our_losses(ours, spec, padded(rows()))

    expected = rival(theirs, rows(), tmp_path)
    print(f"{method}, {rival.__name__}: at most {apart(found, expected):.1e} apart")
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_shipped_path_is_as_near_to_exact_arithmetic_as_the_field_s(
    method: str, tiny_model: Path, tmp_path: Path
) -> None:
    spec, given = spec_of(method), rows(50)
    exact = exact_losses(adapted(tiny_model, spec), given)
    theirs = trainer_losses(adapted(tiny_model, spec), given, tmp_path)
    model: Any = adapted(tiny_model, spec)
    assert probe.can_pack(getattr(model, "get_base_model", lambda: model)(), tiny.VOCABULARY)
    fuse(model)
    ours = our_losses(model, spec, micro_batches(given, BATCH, packed=True, pad_id=3))

    ours_off, theirs_off = apart(ours, exact), apart(theirs, exact)
    print(f"{method}: ours {ours_off:.1e}, Trainer {theirs_off:.1e} off 64-bit arithmetic")
    assert ours_off <= 2 * theirs_off


def preferences(count: int) -> list[Encoded]:
    """Questions with a better and a worse answer: the last tokens of their own and of another's answer.

    A loss hangs on differences of sums over answers: of longer ones rounding alone is above 1e-6.
    """

    def answer(row: Encoded) -> list[int]:
        end = len(row.mask) - row.mask[::-1].index(1)
        return row.ids[end - 6 : end]

    found = []
    for row, other in zip(encoded(count), encoded(count + 5)[5:], strict=True):
        asked = row.ids[: row.mask.index(1)]
        mask = [0] * len(asked) + [1] * 6
        worse = Encoded(asked + answer(other), mask)
        found.append(Encoded(asked + answer(row), mask, rejected=worse))
    return found


def dpo_losses(model: nn.Module, given: list[Encoded], folder: Path) -> list[float]:
    """The same steps by TRL's DPOTrainer."""
    from datasets import Dataset as Table
    from trl import DPOConfig, DPOTrainer

    class Encoded_(DPOTrainer):
        """Takes rows that are tokenised already."""

        def _prepare_dataset(self, dataset: Any, *args: Any) -> Any:
            return dataset

    losses: list[float] = []
    table = []
    for row in given:
        assert row.rejected is not None
        begin = row.mask.index(1)
        table.append(
            {
                "prompt_ids": row.ids[:begin],
                "chosen_ids": row.ids[begin:],
                "rejected_ids": row.rejected.ids[begin:],
            }
        )
    # TRL's reference is the model as it begins; ours is the base without what is learnt. With a prompt, which
    # changes the answers from the start, the two are not the same.
    inner: Any = model
    before = copy.deepcopy(inner.get_base_model() if adapters.has_adapter(model) else model)
    recording(Encoded_, losses)(
        model=model,
        ref_model=before,
        args=DPOConfig(
            **arguments(folder, len(given) // BATCH),
            max_length=None,
            gradient_checkpointing=False,
            bf16=False,
            beta=0.1,
        ),
        processing_class=tiny.make_tokenizer(),
        train_dataset=Table.from_list(table),
    ).train()
    return losses


@pytest.mark.parametrize("method", [*METHODS, "prompt_tuning"])
def test_preferences_take_the_steps_of_the_field_s_trainer(
    method: str, tiny_model: Path, tmp_path: Path
) -> None:
    spec = spec_of(method, objective={"name": "preference", "algorithm": "dpo"})
    ours, theirs = adapted(tiny_model, spec), adapted(tiny_model, spec)

    def laid_out(rows: Sequence[Encoded], fit: Fit) -> list[Batch]:
        return list(micro_batches(rows, BATCH, packed=False, pad_id=3, layout="sequences"))

    given, fit, file = preferences(STEPS * BATCH), Fit(BATCH), tmp_path / "reference"
    known = with_reference(given, file, ours, laid_out, contextlib.nullcontext, fit, print)
    found = our_losses(ours, spec, iter(laid_out(known, fit)))

    expected = dpo_losses(theirs, given, tmp_path)
    print(f"preference, {method}, dpo_losses: at most {apart(found, expected):.1e} apart")
    assert found == pytest.approx(expected, rel=1e-6)
    assert max(abs(loss - math.log(2)) for loss in found) > 1e-4, "nothing was learnt"
