"""What teaching texts say of the methods, cell by cell, beside what was measured."""

from __future__ import annotations

from studio.methods.benchmark import Run, runs
from tests.taught import taught

HEADINGS = ("few parameters", "little computing", "little space", "quality", "flexible")
# Full fine-tuning of a Llama of eight billion parameters with AdamW, rows of 512 tokens: the peak in bytes a
# parameter by our own estimate. tests/studio/estimator/test_rule.py compares these with the estimate.
FULL_BYTES_A_PARAMETER = {
    "one row at a time": ({"precision": "fp32", "batch_size": 1, "max_length": 512}, 16.0),
}


def _run(name: str) -> Run:
    return runs()[name]


def _parameters(name: str) -> str:
    return f"{_run(name).trained:.3g} % trained"


def _cost(name: str) -> str:
    return f"{_run(name).seconds:,.0f} s and {_run(name).memory_gb:.1f} GB"


def _space(name: str) -> str:
    return f"{_run(name).memory_gb:.1f} GB while training, a file of {_run(name).file_mb:,.1f} MB"


def _right(name: str) -> str:
    return f"{_run(name).accuracy:.1f} % right"


def _file(name: str) -> str:
    """The size of what a method leaves on the starter model."""
    found = taught().get(name)
    if found is None:
        return "not known: not measured here yet (`bench methods`)"
    return f"{found.file_bytes / 1e6:,.1f} MB on our starter model (`bench methods`)"


def _here(name: str) -> str:
    """What a method and LoRA took on the starter model and data, by our own measurement."""
    found = taught()
    if not {name, "lora"} <= found.keys():
        return "not known: not measured here yet (`bench methods`)"
    mine, lora = found[name], found["lora"]
    return (
        f"{mine.cpu_seconds:,.0f} s and {mine.peak_bytes / 1e9:.2f} GB against LoRA's "
        f"{lora.cpu_seconds:,.0f} s and {lora.peak_bytes / 1e9:.2f} GB on our starter model (`bench methods`)"
    )


LORA, FULL, IA3 = "lora:rank32", "full-finetuning:lr_0.00001", "ia3:all-attn-5k-lr0.005"
IA3_LOW, PROMPT = "ia3:default", "prompt_tuning:sample_vocab-lr_0.001"
PROMPT_LOW, PREFIX = "prompt_tuning:default", "prefixtuning:tokens50-init_prefix-lr_0.005"
PREFIX_LOW, P_TUNING = "prefixtuning:lr_0.001", "ptuning:default"


def rows() -> dict[str, tuple[tuple[str, str], ...]]:
    """By technique, for each heading what is said and what is so."""
    return {
        "Adapters": (
            (
                "High",
                "about: 2nm + n + m numbers for width n and bottleneck m; 3.6 % in Houlsby's paper "
                "(arXiv:1902.00751)",
            ),
            (
                "Low",
                f"wrong while training: {_here('houlsby')}; answers do pass every adapter, which cannot be "
                "merged",
            ),
            (
                "High",
                f"the file, yes: {_file('houlsby')}; what memory it took stands beside",
            ),
            ("High", "within 0.4 points of full fine-tuning on GLUE (arXiv:1902.00751)"),
            ("High", "a file a task; how much tuning of settings it needs, nobody compared"),
        ),
        "Soft prompts": (
            (
                "High",
                f"agreed for prompts: {_parameters(PROMPT)}; P-tuning: {_parameters(P_TUNING)}",
            ),
            ("High", f"wrong: {_cost(PROMPT)} against LoRA's {_cost(LORA)}"),
            (
                "High",
                f"the file is small ({_run(PROMPT).file_mb:.2g} MB); the memory is not less: "
                f"{_run(PROMPT).memory_gb:.1f} GB against LoRA's {_run(LORA).memory_gb:.1f} GB",
            ),
            ("Medium", f"medium to low: {_right(PROMPT)} to {_right(PREFIX)}"),
            ("High", f"wrong: {_right(PROMPT_LOW)} to {_right(PROMPT)} by rate and start"),
        ),
        "LoRA": (
            ("Medium", f"high: {_parameters(LORA)}"),
            ("High", f"agreed: {_cost(LORA)}; full fine-tuning {_cost(FULL)}"),
            ("Medium", f"high: {_space(LORA)}; full: {_space(FULL)}"),
            ("High", f"agreed: {_right(LORA)}; full: {_right(FULL)}"),
            ("Medium", "not known: nearly all of its runs there have one rate"),
        ),
        "QLoRA": (
            (
                "Medium",
                f"as LoRA ({_parameters(LORA)}): the frozen base is held in 4 bits, not the adapter",
            ),
            (
                "Very High",
                f"wrong: the weights are made whole for every product; {_here('qlora')}",
            ),
            (
                "Very High",
                "agreed for the weights: 4 bits each, and 0.127 more for their scales, held in few bits too "
                "(arXiv:2305.14314, section 3); what a process held on our small starter stands beside",
            ),
            (
                "Medium",
                "nobody measured it there; its paper finds what 16 bits give (arXiv:2305.14314, section 4)",
            ),
            ("Medium", "as LoRA: not known"),
        ),
        "(IA)³": (
            ("High", f"agreed: {_parameters(IA3)}"),
            ("High", f"no less than LoRA: {_cost(IA3)}"),
            ("High", f"the file, yes: {_space(IA3)}"),
            ("Medium", f"agreed: {_right(IA3)}"),
            ("High", f"wrong: {_right(IA3_LOW)} to {_right(IA3)} by rate and targets"),
        ),
        "Prefix tuning": (
            ("Low", f"wrong: {_parameters(PREFIX)}"),
            ("Low", f"wrong while training: {_cost(PREFIX)}; each answer attends to more places"),
            ("Low", f"wrong: {_space(PREFIX)}"),
            ("High", f"medium: {_right(PREFIX)}"),
            ("Low", f"agreed: {_right(PREFIX_LOW)} to {_right(PREFIX)} by rate and start"),
        ),
        "Prompt tuning": (
            ("Low", f"wrong: {_parameters(PROMPT)}"),
            ("Low", f"agreed: {_cost(PROMPT)}"),
            ("Low", f"the file is tiny: {_space(PROMPT)}"),
            ("High", f"wrong: {_right(PROMPT_LOW)} to {_right(PROMPT)}"),
            ("Low", f"agreed: {_right(PROMPT_LOW)} to {_right(PROMPT)} by rate and start"),
        ),
        "P-tuning": (
            (
                "Low",
                f"agreed while it trains: {_parameters(P_TUNING)}; the file holds the prompt alone",
            ),
            ("Low", f"wrong while training: {_cost(P_TUNING)}"),
            ("Low", f"wrong: {_space(P_TUNING)}"),
            ("High", f"wrong: {_right(P_TUNING)}"),
            ("Low", "one run only: not known"),
        ),
    }


def table() -> str:
    """The comparison as such texts print it, each cell with what is so."""
    lines = [f"| | {' | '.join(HEADINGS)} |", f"|{'---|' * (len(HEADINGS) + 1)}"]
    for technique, cells in rows().items():
        said = " | ".join(f"*{word}*: {so}" for word, so in cells)
        lines.append(f"| {technique} | {said} |")
    return "\n".join(lines)


def rule() -> str:
    """The rule of 12 to 20 times, and what our own estimate says of it."""
    ((name, (_, found)),) = FULL_BYTES_A_PARAMETER.items()
    return (
        "The rule that training takes 12 to 20 times the memory of the weights mixes two units. By our own "
        f"estimate full fine-tuning with AdamW of a Llama of eight billion parameters, {name}, takes "
        f"{found:g} bytes a parameter at its peak: within 12 to 20 bytes a parameter, which is "
        f"{found / 4:g} times its weights in 32 bits or {found / 2:g} times those in 16. More rows at a time "
        "come on top (`tests/studio/estimator/test_rule.py`)."
    )
