"""The sections of a spec: which model, which data, how it is trained; every field declared once."""

from __future__ import annotations

from typing import Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """The base of a spec's sections: frozen, strict, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModelChoice(Section):
    """Which base model, and how it is loaded."""

    source: str = Field(
        "starter", min_length=1, description="`starter`, a folder, a `.gguf` file, or a Hub id."
    )
    revision: str | None = Field(
        None, description="What the source must be; filled in when the training is queued."
    )
    quantization: Literal["none", "nf4", "fp4", "int8"] = Field(
        "none",
        title="Hold the model in fewer bits",
        description="In how few bits the frozen base is held: a seventh of its memory in 4 bits, a "
        "quarter in 8, for a small loss of quality and slower steps.",
        json_schema_extra={
            "unit": "",
            "cost": "time",
            "level": "advanced",
            "memory": {"none": "exact", "nf4": "exact", "fp4": "exact", "int8": "exact"},
        },
    )
    double_quantization: bool = Field(
        False,
        title="Fewer bits for the scales, too",
        description="Quantise the scales of 4-bit weights too: 0.4 bits a weight less.",
        json_schema_extra={
            "unit": "",
            "cost": "",
            "level": "advanced",
            # Some 300 bytes of a tiny model's are missed.
            "memory": {"False": "exact", "True": "exact"},
        },
    )
    adapter: int | None = Field(
        None,
        ge=1,
        title="Go on from an earlier training",
        description="The number of a finished training on the same base whose adapter this one goes on "
        "from.",
        json_schema_extra={"unit": "", "cost": "", "level": "basic"},
    )
    adapter_use: Literal["train", "merge"] = Field(
        "train",
        title="What becomes of it",
        description="`train`: that adapter itself learns on, by the same method; `merge`: it becomes part "
        "of the base and stays as it is, and any method learns something new on top.",
        json_schema_extra={"unit": "", "cost": "", "level": "basic"},
    )
    adapter_revision: str | None = Field(
        None,
        description="What that adapter's files must be; filled in when the training is queued.",
    )

    @property
    def learns_on(self) -> bool:
        """Whether an earlier adapter itself is trained further."""
        return self.adapter is not None and self.adapter_use == "train"


class DataChoice(Section):
    """Which examples: a file by `path`, or a kept dataset by its hash; once queued, always the hash."""

    path: str | None = Field(
        None,
        description="The data file or folder, or a dataset of the Hub: `hub:owner/name`, with "
        "`@revision` for another than the newest.",
    )
    part: str | None = Field(
        None, description="The sheet, split or sort of files in it, where there are several."
    )
    dataset: str | None = Field(None, description="A kept dataset, by its hash, instead of a file.")
    columns: dict[str, str] | None = Field(
        None, description="Role to column; left out, the columns are recognised."
    )
    held_out: float = Field(
        0.1,
        ge=0.0,
        le=0.9,
        description="Share of the rows kept out of training to check the result.",
    )
    licence: str = Field(
        "",
        max_length=200,
        title="Licence of the data",
        description="Under which licence the data stands; it goes into the model card.",
    )
    seed: int = Field(0, ge=0, description="Decides which rows are held out.")
    split: str | None = Field(
        None,
        description="Which rows are held out, by name; filled in when the run is queued.",
    )


class Training(Section):
    """How it is trained; defaults are the contract's."""

    epochs: int = Field(
        3,
        ge=1,
        le=10_000,
        title="Passes over your examples",
        description="How often each example is seen (epochs). More passes learn more, and learn by heart.",
        json_schema_extra={"unit": "passes", "cost": "time", "level": "basic"},
    )
    max_steps: int | None = Field(None, ge=1, description="Stop after this many steps instead.")
    learning_rate: float = Field(
        2e-4,
        gt=0,
        le=1.0,
        title="Speed of learning",
        description="How far each step moves (learning rate); left out, the method's own.",
        json_schema_extra={"unit": "", "cost": "", "level": "basic"},
    )
    batch_size: int = Field(
        4,
        ge=1,
        le=4096,
        title="Examples at a time",
        description="Rows held in memory at once (batch size). Fewer need less memory.",
        json_schema_extra={"unit": "rows", "cost": "memory", "level": "basic"},
    )
    gradient_accumulation: int = Field(
        1,
        ge=1,
        le=4096,
        title="Batches before each step",
        description="Batches added up before each step; costs no memory.",
    )
    tokens_per_batch: int | None = Field(
        None,
        ge=1,
        title="Tokens at a time",
        description="Tokens computed at once, padding included: a step's rows are then cut by tokens, not by "
        "the batch size. A row that is longer by itself is computed alone.",
        json_schema_extra={
            "unit": "tokens",
            "cost": "memory",
            "level": "advanced",
            "empty": "by rows",
        },
    )
    max_length: int = Field(
        512,
        ge=8,
        le=1_048_576,
        title="Longest example",
        description="Tokens a row may have (maximum length); what is longer is cut.",
        json_schema_extra={"unit": "tokens", "cost": "memory", "level": "basic"},
    )
    packing: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Rows behind one another without padding, where the model keeps them apart.",
        json_schema_extra={"memory": {"auto": "exact", "on": "exact", "off": "exact"}},
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto",
        description="Numbers of 32 or 16 bits; auto: bf16 on a GPU made for it, else fp32. fp16 is for GPUs "
        "that know no bf16.",
        # Kernels of the processor lay matrices of 16 bits out anew; how much that takes is its own affair.
        json_schema_extra={"memory": {"fp32": "exact", "bf16": "bounded", "fp16": "bounded"}},
    )
    attention: Literal["auto", "sdpa", "eager"] = Field(
        "auto",
        description="How attention is computed; auto takes the model's best.",
        json_schema_extra={"memory": {"auto": "exact", "sdpa": "exact", "eager": "exact"}},
    )
    compile: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Compile the model's layers first (torch.compile); auto: on a GPU, in long runs, where its "
        "own steps are quicker for it.",
        json_schema_extra={"memory": {"auto": "exact", "off": "exact", "on": "bounded"}},
    )
    kernels: Literal["own", "liger"] = Field(
        "own",
        title="Kernels of small operations",
        description="`liger`: norms and gated MLPs compute with Liger Kernel's, on an NVIDIA GPU; an extra "
        "that you install yourself. `own`: with Whetstone's fused ones.",
        json_schema_extra={"memory": {"own": "exact", "liger": "bounded"}},
    )
    optimizer: Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "sgd"] = Field(
        "adamw",
        title="Rule of each step",
        description="`adamw_8bit` keeps its two numbers a weight in 8 bits each instead of 32; paged, "
        "they may leave the GPU's memory where it gets short; `sgd` keeps none.",
        json_schema_extra={
            "unit": "",
            "cost": "",
            "level": "advanced",
            "memory": {
                "adamw": "exact",
                "adamw_8bit": "exact",
                "paged_adamw_8bit": "bounded",
                "sgd": "exact",
            },
        },
    )
    scheduler: Literal["cosine", "linear", "constant", "range_test"] = Field(
        "cosine",
        title="How steps shrink",
        description="How the learning rate falls towards the end, or that it stays.",
        json_schema_extra={"level": "advanced", "file_only": ["range_test"]},
    )
    warmup_ratio: float = Field(
        0.03,
        ge=0.0,
        le=1.0,
        title="Slow start",
        description="Share of the steps over which the rate rises at first.",
    )
    weight_decay: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        title="Pull towards zero",
        description="How strongly weights are drawn towards zero; against learning by heart.",
    )
    max_grad_norm: float = Field(1.0, gt=0, description="Longer gradients are cut to this length.")
    gradient_checkpointing: bool = Field(
        False,
        title="Save memory, take longer",
        description="Compute intermediate results twice instead of keeping them (gradient checkpointing).",
        json_schema_extra={
            "unit": "",
            "cost": "time",
            "level": "advanced",
            "memory": {"False": "exact", "True": "exact"},
        },
    )
    checkpointed_share: float = Field(
        1.0,
        gt=0,
        le=1.0,
        title="Share of layers computed twice",
        description="Which share of the layers does so, counted from the first, where memory is to be saved: "
        "half of them save about half as much and cost half the time.",
        json_schema_extra={
            "unit": "",
            "cost": "time",
            "level": "advanced",
            "memory": {"more": "exact"},
        },
    )
    offload: Literal["none", "auto"] = Field(
        "none",
        title="Frozen layers outside the GPU",
        description="Where a GPU's memory is too small: keep frozen layers in the main memory and fetch "
        "them one by one.",
        # What stays in the GPU's memory is less than is said.
        json_schema_extra={
            "unit": "",
            "cost": "time",
            "level": "advanced",
            "memory": {"none": "exact", "auto": "bounded"},
        },
    )
    eval_every: Literal["epoch", "never"] | int = Field(
        "epoch",
        description="When the held-out loss is measured: each pass, never, or every N steps.",
    )
    early_stopping: int | None = Field(
        None,
        ge=1,
        le=1000,
        title="Stop when it no longer helps",
        description="Stop after this many held-out measurements without a gain, and keep the best state.",
        json_schema_extra={
            "unit": "measurements",
            "cost": "disk",
            "level": "advanced",
            "empty": "never",
        },
    )
    on_spike: Literal["skip", "lower_rate", "stop", "keep"] = Field(
        "skip",
        title="When the loss jumps",
        description="A step whose loss jumps far above the recent ones, or breaks down: leave it out, "
        "leave it out and halve the rate, end the run, or train on it all the same.",
        json_schema_extra={"unit": "", "cost": "", "level": "advanced"},
    )
    keep_checkpoints: int = Field(2, ge=1, le=100, description="Checkpoints kept while it runs.")
    checkpoint_bytes: int | None = Field(
        None,
        ge=1,
        description="Disk that the kept checkpoints may take together; the newest always stays.",
    )
    layer_cache_bytes: int = Field(
        20_000_000_000,
        ge=0,
        title="Disk for untrained layers",
        description="Where only upper layers train: disk that the lower ones' results may take while "
        "it runs, so that they are computed once. 0: computed anew in every epoch.",
        json_schema_extra={"unit": "bytes", "cost": "", "level": "advanced"},
    )
    devices: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where it runs.")
    processes: int = Field(
        1,
        ge=1,
        le=64,
        title="Processes at the same time",
        description="How many processes train together, each on a GPU of its own (on the processor: on a "
        "share of the cores). A step takes this many times as many rows.",
        json_schema_extra={
            "unit": "processes",
            "cost": "",
            "level": "advanced",
            "memory": {"1": "exact", "more": "bounded"},
        },
    )
    sharding: Literal["none", "fsdp"] = Field(
        "none",
        title="Spread the model over the processes",
        description="`none`: each process holds the whole model; `fsdp`: each holds a share of every layer "
        "and borrows the rest while it computes, which saves memory and costs time.",
        json_schema_extra={
            "unit": "",
            "cost": "time",
            "level": "advanced",
            "memory": {"none": "exact", "fsdp": "not estimated"},
        },
    )
    seed: int = Field(
        0,
        ge=0,
        title="Random seed",
        description="Decides the order of rows and the start values.",
    )

    @property
    def rows_per_step(self) -> int:
        """The rows of an optimizer step, over all processes, however they are cut into batches."""
        return self.batch_size * self.gradient_accumulation * self.processes

    @property
    def rows_at_a_time(self) -> int:
        """The most rows that a process holds at once; where tokens decide, all of its step if they fit."""
        own = self.batch_size * self.gradient_accumulation
        return self.batch_size if self.tokens_per_batch is None else own

    @property
    def recomputed_share(self) -> float:
        """The share of the layers that compute their intermediate results twice; 0 where none does."""
        return self.checkpointed_share if self.gradient_checkpointing else 0.0

    @pydantic.field_validator("eval_every")
    @classmethod
    def _every_step_count_is_positive(cls, value: str | int) -> str | int:
        if isinstance(value, int) and value < 1:
            raise ValueError("expected 'epoch', 'never' or a number of steps from 1 up")
        return value
