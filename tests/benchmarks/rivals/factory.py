"""LLaMA-Factory, called as its command line calls itself, on rows that are tokenised already."""

from __future__ import annotations

from pathlib import Path

import common

task = common.read_task()

from datasets import Dataset, DatasetDict  # noqa: E402
from llamafactory.train.tuner import run_exp  # noqa: E402

tokenised = Path(task["out"] + ".rows")
DatasetDict({"train": Dataset.from_list(common.read_rows(task))}).save_to_disk(str(tokenised))
record = common.Record(task)
run_exp(
    {
        "model_name_or_path": task["model"],
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": task["rank"],
        "lora_alpha": 2 * task["rank"],
        "lora_target": "all",
        "template": "smollm2",
        "dataset": "none",
        "tokenized_path": str(tokenised),
        "cutoff_len": 4096,
        "output_dir": task["out"] + ".folder",
        "overwrite_output_dir": True,
        "per_device_train_batch_size": task["batch_size"],
        "gradient_accumulation_steps": 1,
        "max_steps": task["steps"],
        "learning_rate": task["learning_rate"],
        "lr_scheduler_type": "constant",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "fp16": False,
        "pure_bf16": False,
        "disable_shuffling": True,
        "disable_gradient_checkpointing": not task["checkpointing"],
        "dataloader_num_workers": 0,
        "packing": task["packing"],
        "neat_packing": task["packing"],
        "trust_remote_code": False,
    },
    callbacks=[common.trainer_callback(record)],
)
record.write("llamafactory", "peft", "accelerate")
