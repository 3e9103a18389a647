"""A tiny random chat model and a small data file, made on the spot: what tests train and export."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

VOCABULARY = 320
MAX_LENGTH = 512
END_OF_TURN = "<|im_end|>"
SPECIAL_TOKENS = ("<|unknown|>", "<|im_start|>", END_OF_TURN, "<|padding|>")

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_TOPICS = ("kettle", "lamp", "bicycle", "teapot", "ladder", "blanket", "radio")
_QUESTIONS = (
    "Where can I find a {topic} under {price} euros?",
    "Is the {topic} for {price} euros still in stock?",
    "My {topic} cost {price} euros and it broke. What now?",
    "Do you wrap a {topic} as a gift for {price} euros?",
)


def make_rows(count: int) -> list[tuple[str, str]]:
    """`count` different (question, answer) pairs of about a dozen words."""
    rows = []
    for number in range(count):
        topic = _TOPICS[number % len(_TOPICS)]
        question = _QUESTIONS[number % len(_QUESTIONS)].format(topic=topic, price=10 + number)
        rows.append((question, f"Thank you for asking. The {topic} is desk {10 + number}."))
    return rows


def write_csv(
    path: Path,
    count: int = 24,
    *,
    columns: tuple[str, str] = ("question", "answer"),
    separator: str = ",",
) -> Path:
    """Write `make_rows(count)` below a header of `columns`; returns `path`."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(columns)
        writer.writerows(make_rows(count))
    return path


def make_model(folder: Path, *, seed: int = 0, layers: int = 2, hidden: int = 32) -> Path:
    """Save a random Llama with its tokenizer and chat template into `folder`; returns `folder`.

    The same arguments give the same weights. `hidden` is a multiple of 8 (4 heads, 2 of keys).
    """
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    tokenizer = make_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=MAX_LENGTH,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).to(torch.float32)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_model_of_places(folder: Path, *, places: int, seed: int = 0) -> Path:
    """Save a random GPT-2, which learns a vector for each of so many places, with the tiny tokenizer."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = make_tokenizer()
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=places,
        n_embd=32,
        n_layer=2,
        n_head=4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_encoder_decoder(folder: Path, *, seed: int = 0, layers: int = 1) -> Path:
    """Save a random T5 of so many layers each way with the tiny tokenizer into `folder`; returns `folder`."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    tokenizer = make_tokenizer()
    tokenizer.chat_template = None
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=layers,
        num_heads=4,
        dropout_rate=0.1,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = T5ForConditionalGeneration(config).to(torch.float32)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_rows_of(objective: str, count: int = 24) -> list[dict[str, Any]]:
    """`count` rows for an objective, their columns named as its roles."""
    rows = []
    for number, (question, answer) in enumerate(make_rows(count)):
        rows.append(
            {
                "chat": {"prompt": question, "response": answer},
                "text": {"text": f"{question} {answer}"},
                "classification": {
                    "text": question,
                    "label": ("ask", "stock", "broken", "gift")[number % 4],
                },
                "preference": {
                    "prompt": question,
                    "chosen": answer,
                    "rejected": "No idea. Go away.",
                },
                "seq2seq": {"source": question, "target": answer},
            }[objective]
        )
    return rows


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as a JSONL file; returns `path`."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def make_tokenizer() -> Any:
    """A byte-level BPE of `VOCABULARY` tokens, trained on `make_rows`; its eos ends a turn."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [part for row in make_rows(28) for part in row] + ["system", "user", "assistant"] * 9
    backend.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="<|unknown|>",
        bos_token="<|im_start|>",
        eos_token=END_OF_TURN,
        pad_token="<|padding|>",
        model_max_length=MAX_LENGTH,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
