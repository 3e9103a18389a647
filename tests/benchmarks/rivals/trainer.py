"""transformers' Trainer with PEFT's LoRA: rows padded to the longest of a batch, all logits."""

from __future__ import annotations

import common

task = common.read_task()

import torch  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
)

torch.set_num_threads(task["threads"])
model = AutoModelForCausalLM.from_pretrained(task["model"], dtype=torch.float32)
config = LoraConfig(
    r=task["rank"], lora_alpha=2 * task["rank"], target_modules="all-linear", task_type="CAUSAL_LM"
)
model = get_peft_model(model, config)
if task["checkpointing"]:
    model.enable_input_require_grads()
tokenizer = AutoTokenizer.from_pretrained(task["model"])
record = common.Record(task)
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir=task["out"] + ".folder",
        per_device_train_batch_size=task["batch_size"],
        max_steps=task["steps"],
        learning_rate=task["learning_rate"],
        lr_scheduler_type="constant",
        weight_decay=0.0,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        train_sampling_strategy="sequential",
        gradient_checkpointing=task["checkpointing"],
        gradient_checkpointing_kwargs={"use_reentrant": False} if task["checkpointing"] else None,
        dataloader_num_workers=0,
    ),
    train_dataset=common.read_rows(task),
    data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=common.IGNORED),
    callbacks=[common.trainer_callback(record)],
)
trainer.train()
record.write("peft", "accelerate")
