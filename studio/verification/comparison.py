"""The comparison itself: an export loaded as its user would load it, held against the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer

from studio.errors import DataProblem
from studio.spec import ObjectiveChoice, TrainSpec
from studio.training import adapters, earlier, quantized
from studio.training.heads import Head
from studio.verification.bounds import Difference, Verdict, judge
from studio.verification.reference import Row, encode, logits_of, read_reference

OFFLINE = {"local_files_only": True, "trust_remote_code": False}


def compare(export: Path, base_folder: Path, base_dtype: str, reference: Path) -> Verdict:
    """Load `export` and judge it. Whatever keeps it from loading is a verdict too, not an error."""
    spec, examples, expected_rows = read_reference(reference)
    choice, head = spec.objective, Head.of(spec.objective)
    try:
        tokenizer = AutoTokenizer.from_pretrained(export, **OFFLINE)
        model = _load(export, base_folder, base_dtype, spec)
    except Exception as error:  # noqa: BLE001  # any failure to load is what is being tested for
        return Verdict(False, None, f"The export cannot be loaded: {error}")
    own = _encoded(examples, choice, tokenizer)
    if own != [(row.ids, row.target) for row in expected_rows]:
        return Verdict(
            False,
            None,
            "The export's tokenizer or chat template writes the same row differently from the "
            "one used in training. It was not kept.",
        )
    named = tuple(model.config.id2label.values()) if head.labels else ()
    if named != head.labels:
        return Verdict(
            False, None, f"The export names its labels {named}, not {head.labels}. It was not kept."
        )
    is_16_bit = next(model.parameters()).dtype is not torch.float32 or base_dtype != "float32"
    measured = _Measured(is_16_bit)
    for number, row in enumerate(expected_rows):
        expected = safetensors.torch.load_file(reference / f"{number}.safetensors")
        found = logits_of(model, row, choice)
        if found.shape != expected["tuned"].shape:
            return Verdict(False, None, "The export's outputs are not those that were trained.")
        measured.add(found, expected["tuned"], expected["base"])
    return judge(measured.difference(), is_16_bit=is_16_bit, rows=len(expected_rows))


def _encoded(
    examples: Sequence[Row], choice: ObjectiveChoice, tokenizer: Any
) -> list[tuple[list[int], tuple[int, ...]]] | None:
    """What the export's own tokenizer makes of the rows; None where its template refuses one."""
    try:
        return [(row.ids, row.target) for row in encode(examples, choice, tokenizer)]
    except DataProblem:
        return None


def _load(export: Path, base_folder: Path, base_dtype: str, spec: TrainSpec) -> Any:
    head = Head.of(spec.objective)
    builder = head.kind.builder
    if (export / "adapter_config.json").is_file():
        dtype = getattr(torch, base_dtype)
        # The export says which labels there are: the base knows none of them.
        config = AutoConfig.from_pretrained(export if head.labels else base_folder, **OFFLINE)
        base = builder.from_pretrained(
            base_folder,
            config=config,
            dtype=dtype,
            ignore_mismatched_sizes=bool(head.labels),
            **OFFLINE,
        )
        base = quantized.hold(base, spec.model, dtype)
        base = earlier.merged_into(base, earlier.beneath_in(export))
        return adapters.load(base, export).eval()
    # use_safetensors and the dtype that its own config names: as a user gets it.
    return builder.from_pretrained(export, dtype="auto", use_safetensors=True, **OFFLINE).eval()


# What lies how far from what: the export from the tuned model and from the base, and these two.
_PAIRS = {"tuned": ("tuned", "found"), "base": ("base", "found"), "training": ("base", "tuned")}


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
        logits = {"found": found, "tuned": tuned, "base": base}
        likely = {name: each.log_softmax(-1) for name, each in logits.items()}
        for name, (wanted, other) in _PAIRS.items():
            self.largest[name] = max(self.largest[name], _largest(logits[wanted], logits[other]))
            self.divergence[name] += float(_divergence(likely[wanted], likely[other]).sum())
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
    largest = float((left - right).abs().max())
    # NaN compares as nothing at all; an export that gives NaN is as far away as can be.
    return float("inf") if math.isnan(largest) else largest


def _divergence(wanted: Tensor, found: Tensor) -> Tensor:
    """Kullback-Leibler divergence `(T,)` in nats of `found` from `wanted`, both logarithms."""
    return (wanted.exp() * (wanted - found)).sum(-1)
