"""One program of the GPU comparison: LoRA on the same model, rows, batches and rate, timed step by step.

Called as `python -m tests.gpu.rivals NAME TASK`, each in a process of its own (Unsloth changes transformers
for the whole process). TASK is JSON: `{"model", "rows", "out", "steps", "batch_size", "precision"}`, `rows` a
file of JSON lines with `ids` and `mask`. Writes `{"losses", "seconds", "tokens", "peak_bytes"}`, the first
two by step; exits with MISSING and a word on standard error where its packages are not there.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MISSING = 3
RANK = 16
RATE = 2e-4
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
IGNORED = -100

Task = dict[str, Any]


class Clock:
    """Seconds and losses by step; a GPU is waited for at each end."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.seconds: list[float] = []
        self._last = self._now()

    def _now(self) -> float:
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.monotonic()

    def step_ended(self, loss: float) -> None:
        """A step has ended; `loss` is its mean loss a token."""
        now = self._now()
        self.losses.append(loss)
        self.seconds.append(now - self._last)
        self._last = now


def ours(task: Task, clock: Clock) -> None:
    """Our loop as a run takes it."""
    import torch

    from studio.objectives import Encoded
    from studio.spec import TrainSpec
    from studio.training import adapters, loading, loop, probe
    from studio.training.batching import Schedule
    from studio.training.fused import fuse

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    spec = TrainSpec.parse(
        {
            "method": {"name": "lora", "rank": RANK, "alpha": 2 * RANK},
            "training": {
                "batch_size": task["batch_size"],
                "max_steps": task["steps"],
                "learning_rate": RATE,
                "scheduler": "constant",
                "warmup_ratio": 0.0,
                "precision": task["precision"],
                "eval_every": "never",
                "on_spike": "keep",
            },
        }
    )
    numbers = loading.choose_numbers(task["precision"], device, trains_weights=False)
    base = loading.load_base(Path(task["model"]), numbers.weights).to(device)
    packed = probe.can_pack(base, base.config.vocab_size)  # type: ignore[union-attr, arg-type]
    model = adapters.attach(base, spec.method, seed=0)
    fuse(model)
    rows = [Encoded(row["ids"], row["mask"]) for row in _rows(task)]
    # The loop shuffles: the rows are laid so that it takes them in the order of the file.
    schedule = Schedule.plan(len(rows), task["batch_size"], 1, task["steps"], spec.training.seed)
    taken = [place for step in range(task["steps"]) for place in schedule.rows_of(step)]
    in_order = [row for _, row in sorted(zip(taken, rows, strict=True), key=lambda pair: pair[0])]
    with tempfile.TemporaryDirectory() as folder:
        setup = loop.Setup(
            spec, model, device, numbers, in_order, [], packed, 0, checkpoints=Path(folder)
        )
        loop.run(
            setup,
            on_report=lambda report: clock.step_ended(report.loss or 0.0),
            should_stop=lambda: False,
        )


def trainer(task: Task, clock: Clock) -> None:
    """transformers' Trainer with PEFT."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer

    base = AutoModelForCausalLM.from_pretrained(task["model"], dtype=_dtype(task))
    model = get_peft_model(base, _lora(LoraConfig))
    with tempfile.TemporaryDirectory() as folder:
        run = Trainer(
            model,
            _arguments(task, folder),
            data_collator=_padded,
            train_dataset=_examples(task),
            callbacks=[_callback(clock)],
        )
        # In the order of the file, as the others.
        run._get_train_sampler = lambda *_: torch.utils.data.SequentialSampler(_examples(task))
        run.train()


def trl(task: Task, clock: Clock) -> None:
    """TRL's SFTTrainer, rows tokenised already."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained(task["model"], dtype=_dtype(task))
    _supervised(task, clock, model, LoraConfig, SFTConfig, SFTTrainer, Dataset)


def unsloth(task: Task, clock: Clock) -> None:
    """Unsloth: its own model and adapter, TRL's trainer as it changes it."""
    # First of all, before what it changes.
    quick: Any = importlib.import_module("unsloth").FastLanguageModel
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    model, _ = quick.from_pretrained(
        task["model"], dtype=_dtype(task), load_in_4bit=False, local_files_only=True
    )
    model = quick.get_peft_model(
        model, r=RANK, lora_alpha=2 * RANK, lora_dropout=0.0, target_modules=list(TARGETS)
    )
    _supervised(task, clock, model, None, SFTConfig, SFTTrainer, Dataset)


RIVALS: dict[str, Callable[[Task, Clock], None]] = {
    "ours": ours,
    "trainer": trainer,
    "trl": trl,
    "unsloth": unsloth,
}


def _supervised(
    task: Task, clock: Clock, model: Any, lora: Any, config: Any, kind: Any, dataset: Any
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        arguments = config(**_options(task, folder), max_length=None, packing=False)
        kind(
            model=model,
            args=arguments,
            train_dataset=dataset.from_list(_examples(task)),
            data_collator=_padded,
            peft_config=_lora(lora) if lora else None,
            callbacks=[_callback(clock)],
        ).train()


def _lora(kind: Any) -> Any:
    return kind(r=RANK, lora_alpha=2 * RANK, target_modules=list(TARGETS), task_type="CAUSAL_LM")


def _arguments(task: Task, folder: str) -> Any:
    from transformers import TrainingArguments

    return TrainingArguments(**_options(task, folder), remove_unused_columns=False)


def _options(task: Task, folder: str) -> dict[str, Any]:
    import torch

    return {
        "output_dir": folder,
        "max_steps": task["steps"],
        "per_device_train_batch_size": task["batch_size"],
        "learning_rate": RATE,
        "lr_scheduler_type": "constant",
        "max_grad_norm": 1.0,
        "weight_decay": 0.0,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "bf16": task["precision"] == "bf16",
        "use_cpu": not torch.cuda.is_available(),
        "gradient_checkpointing": False,
    }


def _callback(clock: Clock) -> Any:
    from transformers import TrainerCallback

    class Callback(TrainerCallback):
        """The loss of a step comes with its line of the log."""

        def on_log(
            self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any
        ) -> None:
            if logs and "loss" in logs:
                clock.step_ended(float(logs["loss"]))

    return Callback()


def _rows(task: Task) -> list[dict[str, list[int]]]:
    with open(task["rows"], encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _examples(task: Task) -> list[dict[str, list[int]]]:
    return [
        {
            "input_ids": row["ids"],
            "labels": [
                token if trained else IGNORED
                for token, trained in zip(row["ids"], row["mask"], strict=True)
            ],
        }
        for row in _rows(task)
    ]


def _padded(rows: list[dict[str, Any]]) -> dict[str, Any]:
    import torch

    width = max(len(row["input_ids"]) for row in rows)

    def filled(name: str, value: int) -> Any:
        return torch.tensor([[*row[name], *[value] * (width - len(row[name]))] for row in rows])

    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    return {
        "input_ids": filled("input_ids", 0),
        "labels": filled("labels", IGNORED),
        "attention_mask": (torch.arange(width)[None] < lengths[:, None]).long(),
    }


def _dtype(task: Task) -> Any:
    import torch

    return torch.bfloat16 if task["precision"] == "bf16" else torch.float32


def main() -> None:
    """Run one program and write what it took."""
    name, task = sys.argv[1], json.loads(sys.argv[2])
    try:
        import torch

        clock = Clock()
        RIVALS[name](task, clock)
    except ImportError as error:
        print(f"{name} needs a package that is not here: {error.name or error}", file=sys.stderr)
        raise SystemExit(MISSING) from error
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
    taken = _rows(task)[: task["steps"] * task["batch_size"]]
    document = {
        "losses": clock.losses,
        "seconds": clock.seconds,
        "tokens": sum(len(row["ids"]) for row in taken),
        "peak_bytes": peak,
    }
    Path(task["out"]).write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main()
