"""The comparison itself: an export loaded as its user would load it, held against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from studio.spec import ModelChoice
from studio.training import quantized
from studio.verification.bounds import Difference, Verdict, judge
from studio.verification.reference import encode, logits_of, read_base, read_rows

OFFLINE = {"local_files_only": True, "trust_remote_code": False}


def compare(export: Path, base_folder: Path, base_dtype: str, reference: Path) -> Verdict:
    """Load `export` and judge it. Whatever keeps it from loading is a verdict too, not an error."""
    rows = read_rows(reference)
    try:
        tokenizer = AutoTokenizer.from_pretrained(export, **OFFLINE)
        model = _load(export, base_folder, base_dtype, read_base(reference))
    except Exception as error:  # noqa: BLE001  # any failure to load is what is being tested for
        return Verdict(False, None, f"The export cannot be loaded: {error}")
    own = encode([row.messages for row in rows], tokenizer)
    if [row.ids for row in own] != [row.ids for row in rows]:
        return Verdict(
            False,
            None,
            "The export's tokenizer or chat template writes the same conversation differently from the "
            "one used in training. It was not kept.",
        )
    is_16_bit = next(model.parameters()).dtype is not torch.float32 or base_dtype != "float32"
    measured = _Measured(is_16_bit)
    for number, row in enumerate(rows):
        expected = safetensors.torch.load_file(reference / f"{number}.safetensors")
        measured.add(logits_of(model, row.ids), expected["tuned"], expected["base"])
    return judge(measured.difference(), is_16_bit=is_16_bit, rows=len(rows))


def _load(export: Path, base_folder: Path, base_dtype: str, held: ModelChoice) -> Any:
    if (export / "adapter_config.json").is_file():
        dtype = getattr(torch, base_dtype)
        base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=dtype, **OFFLINE)
        base = quantized.hold(base, held, dtype)
        return PeftModel.from_pretrained(base, str(export)).eval()
    # use_safetensors and the dtype that its own config names: as a user gets it.
    return AutoModelForCausalLM.from_pretrained(
        export, dtype="auto", use_safetensors=True, **OFFLINE
    ).eval()


class _Measured:
    """Sums over rows of what a Difference is made of; distances by KL in 16 bits, by logits in fp32."""

    def __init__(self, is_16_bit: bool) -> None:
        self.is_16_bit = is_16_bit
        self.largest_logit = 0.0
        self.largest = {"tuned": 0.0, "base": 0.0, "training": 0.0}
        self.divergence = {"tuned": 0.0, "base": 0.0, "training": 0.0}
        self.same = 0
        self.positions = 0

    def add(self, found: Tensor, tuned: Tensor, base: Tensor) -> None:
        """Take in one row's logits, each `(T, V)`."""
        self.largest_logit = max(self.largest_logit, float(tuned.abs().max()))
        for name, wanted, other in (
            ("tuned", tuned, found),
            ("base", base, found),
            ("training", base, tuned),
        ):
            self.largest[name] = max(self.largest[name], _largest(wanted, other))
            self.divergence[name] += float(_divergence(wanted, other).sum())
        self.same += int((found.argmax(-1) == tuned.argmax(-1)).sum())
        self.positions += len(found)

    def difference(self) -> Difference:
        """The figures over all rows so far."""
        distance = self.divergence if self.is_16_bit else self.largest
        changed = self.largest["training"] > 0
        ratio = distance["base"] / max(distance["tuned"], distance["base"] * 1e-9, 1e-30)
        to_base = ratio if changed else None
        return Difference(
            max_logit=self.largest["tuned"] / self.largest_logit,
            kl=max(0.0, self.divergence["tuned"] / self.positions),
            argmax_equal=self.same / self.positions,
            to_base=to_base,
        )


def _largest(left: Tensor, right: Tensor) -> float:
    difference = (left - right).abs()
    # NaN compares as nothing at all; an export that gives NaN is as far away as can be.
    return float("inf") if bool(difference.isnan().any()) else float(difference.max())


def _divergence(wanted: Tensor, found: Tensor) -> Tensor:
    """Kullback-Leibler divergence `(T,)` in nats of `found` from `wanted`."""
    left = wanted.log_softmax(-1)
    return (left.exp() * (left - found.log_softmax(-1))).sum(-1)
