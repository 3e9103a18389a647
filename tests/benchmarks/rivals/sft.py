"""TRL's SFTTrainer with PEFT's LoRA; with its packing where the task asks for it."""

from __future__ import annotations

import common

task = common.read_task()

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from peft import LoraConfig  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402
from trl import SFTConfig, SFTTrainer  # noqa: E402

torch.set_num_threads(task["threads"])
rows = [{name: row[name] for name in ("input_ids", "labels")} for row in common.read_rows(task)]
longest = max(len(row["input_ids"]) for row in rows)
# Packed lines hold as many tokens as a batch of single rows has on average.
average = sum(len(row["input_ids"]) for row in rows) // len(rows)
packing = (
    {"packing": True, "max_length": max(longest, task["batch_size"] * average)}
    if task["packing"]
    else {"max_length": longest, "dataset_kwargs": {"skip_prepare_dataset": True}}
)
record = common.Record(task)
trainer = SFTTrainer(
    model=AutoModelForCausalLM.from_pretrained(task["model"], dtype=torch.float32),
    args=SFTConfig(
        output_dir=task["out"] + ".folder",
        per_device_train_batch_size=1 if task["packing"] else task["batch_size"],
        max_steps=task["steps"],
        learning_rate=task["learning_rate"],
        lr_scheduler_type="constant",
        weight_decay=0.0,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        bf16=False,
        train_sampling_strategy="sequential",
        gradient_checkpointing=task["checkpointing"],
        dataloader_num_workers=0,
        **packing,
    ),
    processing_class=AutoTokenizer.from_pretrained(task["model"]),
    train_dataset=Dataset.from_list(rows),
    peft_config=LoraConfig(
        r=task["rank"],
        lora_alpha=2 * task["rank"],
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    ),
    callbacks=[common.trainer_callback(record)],
)
trainer.train()
record.write("trl", "peft", "accelerate")
