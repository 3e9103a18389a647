"""The card of an export: a README that says what the model is made of, with the base's licence named."""

from __future__ import annotations

import json
import shutil
import string
from pathlib import Path

from peft import PEFT_TYPE_TO_CONFIG_MAPPING

from studio.formats import FORMATS
from studio.settings import ASSETS
from studio.spec import TrainOrder
from studio.training.earlier import BENEATH
from studio.training.heads import Head


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
        origin=_origin(order),
        settings=json.dumps(spec.method.settings.model_dump(mode="json"), indent=1),
        objective=spec.objective.objective.title,
        epochs="those of its parts" if order.parts else spec.training.epochs,
        learning_rate=spec.training.learning_rate,
        usage=_usage(format_name, order, needs_us=_has_own_type(folder)),
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


def _origin(order: TrainOrder) -> str:
    """The table's lines on the trainings that came before; none where there are none."""
    summed = " + ".join(f"{each.weight:g} × {each.title}" for each in order.parts)
    lines = {
        "Made of": summed,
        "Goes on from": order.start.title if order.start else "",
        "Already part of the base": ", ".join(each.title for each in order.base.beneath),
    }
    return "".join(f"\n| {name} | {value} |" for name, value in lines.items() if value)


def _has_own_type(folder: Path) -> bool:
    """Whether an adapter in `folder`, or one that is merged before it, is of a type that PEFT lacks."""
    configs = [folder / "adapter_config.json", *folder.glob(f"{BENEATH}/*/adapter_config.json")]
    types = [json.loads(file.read_text("utf-8"))["peft_type"] for file in configs if file.is_file()]
    return any(PEFT_TYPE_TO_CONFIG_MAPPING[kind].__module__.startswith("studio.") for kind in types)


def _usage(format_name: str, order: TrainOrder, *, needs_us: bool) -> str:
    """The lines of Python that load this format, `FOLDER` standing for where it lies."""
    spec, beneath = order.spec, ""
    for number in range(len(order.base.beneath)):
        beneath += f'base = PeftModel.from_pretrained(base, "FOLDER/{BENEATH}/{number}").merge_and_unload()\n'
    head, held = Head.of(spec.objective), spec.model
    builder = head.kind.builder.__name__
    if format_name == "adapter":
        imports, options, notes = [builder, "AutoTokenizer"], "", ""
        if head.labels:
            imports.append("AutoConfig")
            options += ', config=AutoConfig.from_pretrained("FOLDER")'
        if held.quantization in ("nf4", "fp4"):
            imports.append("BitsAndBytesConfig")
            options += ", quantization_config=config"
            notes = (
                "# It was trained over a base in 4 bits: load the base in the same way.\n"
                "config = BitsAndBytesConfig(load_in_4bit=True, "
                f'bnb_4bit_quant_type="{held.quantization}", '
                f"bnb_4bit_use_double_quant={held.double_quantization})\n"
            )
        elif held.quantization == "int8":
            notes = "# It was trained over a base in 8 bits (int8); over 16 or 32 bits it differs a little.\n"
        ours = "import studio.training.tuners  # of Whetstone: PEFT has no such method of its own\n"
        return (
            f"{ours if needs_us else ''}from peft import PeftModel\n"
            f"from transformers import {', '.join(sorted(imports))}\n\n{notes}"
            f'base = {builder}.from_pretrained("FOLDER OF THE BASE MODEL"{options})\n{beneath}'
            'model = PeftModel.from_pretrained(base, "FOLDER")\n'
            'tokenizer = AutoTokenizer.from_pretrained("FOLDER")'
        )
    return (
        f"from transformers import {builder}, AutoTokenizer\n\n"
        f'model = {builder}.from_pretrained("FOLDER")\n'
        'tokenizer = AutoTokenizer.from_pretrained("FOLDER")'
    )
