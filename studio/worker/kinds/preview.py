"""The kind `preview`: the first rows as the model sees them, token by token."""

from __future__ import annotations

from typing import Any

from studio.objectives import Encoded
from studio.spec import TrainSpec
from studio.training.encoding import encode
from studio.worker.bench import Bench
from studio.worker.kinds.kind import Kind
from studio.worker.rows import settled

_UNFINISHED = "\ufffd"  # what a decoder gives for bytes that are not a whole letter yet


def answer(bench: Bench, spec: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """`[{"tokens": [{"text", "trained", "special"}]}]`, cut as training will cut them; empty without data."""
    parsed, parts = settled(bench, TrainSpec.parse(spec))
    if parts is None:
        return []
    base = bench.base(parsed.model.source, parsed.model.revision)
    tokenizer = bench.tokenizer(base)
    rows = encode(parts.training[:limit], parsed.objective, tokenizer, parsed.training.max_length)
    return [{"tokens": _tokens(row, tokenizer)} for row in rows]


def _tokens(row: Encoded, tokenizer: Any) -> list[dict[str, Any]]:
    """Texts with whether they are trained; tokens that share the bytes of one letter stand together."""
    tokens: list[dict[str, Any]] = []
    waiting: list[int] = []
    for place, (token, trained) in enumerate(zip(row.ids, row.mask, strict=True)):
        waiting.append(token)
        text = tokenizer.decode(waiting, clean_up_tokenization_spaces=False)
        if text.endswith(_UNFINISHED) and place + 1 < len(row.ids):
            continue
        # A mark of the template's own, such as the end of a turn; never a part of the text.
        special = len(waiting) == 1 and token in tokenizer.all_special_ids
        tokens.append({"text": text, "trained": bool(trained), "special": special})
        waiting = []
    return tokens


KIND = Kind("model", answer)
