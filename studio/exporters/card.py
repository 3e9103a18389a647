"""The card of an export: a README that says what the model is made of, with the base's licence named."""

from __future__ import annotations

import json
import shutil
import string
from pathlib import Path

from studio.formats import FORMATS
from studio.settings import ASSETS
from studio.spec import ModelChoice, TrainOrder


def write_card(order: TrainOrder, format_name: str, folder: Path) -> None:
    """Write README.md, and copy the base's own licence file where it has one."""
    template = string.Template((ASSETS / "card.md").read_text(encoding="utf-8"))
    spec, base = order.spec, order.base
    card = template.substitute(
        front=_front_matter(base.licence),
        name=spec.name or f"{base.title}, fine-tuned",
        base=base.title,
        revision=base.revision,
        licence=base.licence or "not stated by the base model: ask whoever published it",
        format=FORMATS[format_name].title,
        sentence=FORMATS[format_name].sentence,
        method=spec.method.method.title,
        settings=json.dumps(spec.method.settings.model_dump(mode="json"), indent=1),
        objective=spec.objective.objective.title,
        epochs=spec.training.epochs,
        learning_rate=spec.training.learning_rate,
        usage=_usage(format_name, spec.model),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
    for name in ("LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE"):
        if (Path(base.folder) / name).is_file():
            shutil.copyfile(Path(base.folder) / name, folder / name)


def _front_matter(licence: str | None) -> str:
    lines = [
        "---",
        "library_name: transformers",
        *([f"license: {licence}"] if licence else []),
        "---",
    ]
    return "\n".join(lines)


def _usage(format_name: str, held: ModelChoice) -> str:
    """The lines of Python that load this format, `FOLDER` standing for where it lies."""
    if format_name == "adapter" and held.quantization in ("nf4", "fp4"):
        return (
            "from peft import PeftModel\n"
            "from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig\n\n"
            "# It was trained over a base in 4 bits: load the base in the same way.\n"
            "config = BitsAndBytesConfig(load_in_4bit=True, "
            f'bnb_4bit_quant_type="{held.quantization}", '
            f"bnb_4bit_use_double_quant={held.double_quantization})\n"
            'base = AutoModelForCausalLM.from_pretrained("FOLDER OF THE BASE MODEL", '
            "quantization_config=config)\n"
            'model = PeftModel.from_pretrained(base, "FOLDER")\n'
            'tokenizer = AutoTokenizer.from_pretrained("FOLDER")'
        )
    if format_name == "adapter":
        note = "# It was trained over a base in 8 bits (int8); over 16 or 32 bits it differs a little.\n"
        return (
            f"{note if held.quantization == 'int8' else ''}from peft import PeftModel\n"
            "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
            'base = AutoModelForCausalLM.from_pretrained("FOLDER OF THE BASE MODEL")\n'
            'model = PeftModel.from_pretrained(base, "FOLDER")\n'
            'tokenizer = AutoTokenizer.from_pretrained("FOLDER")'
        )
    return (
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
        'model = AutoModelForCausalLM.from_pretrained("FOLDER")\n'
        'tokenizer = AutoTokenizer.from_pretrained("FOLDER")'
    )
