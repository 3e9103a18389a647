"""The chat template: conversations as text, and where in it each answer begins and ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any

from studio.errors import DataProblem
from studio.objectives.objective import Encoded

Turn = dict[str, Any]


def turns_of(messages: Iterable[Any]) -> list[Turn]:
    """Messages as chat templates take them."""
    return [message.as_json() for message in messages]


def render(
    messages: Sequence[Turn],
    tokenizer: Any,
    *,
    tools: Sequence[Any] = (),
    for_answer: bool = False,
) -> str:
    """The conversation as text through the chat template; `for_answer` adds the opening of an answer.

    Raises DataProblem with the template's own reason when it refuses the conversation.
    """
    if not tokenizer.chat_template:
        raise DataProblem(
            "This model has no chat template, so it is not known how it marks questions and answers. "
            "Choose an instruction-tuned model (its name often ends in Instruct or Chat)."
        )
    try:
        text = tokenizer.apply_chat_template(
            list(messages),
            tools=list(tools) or None,
            tokenize=False,
            add_generation_prompt=for_answer,
        )
    except Exception as error:  # jinja2 and the template raise what they like
        raise DataProblem(
            f"The model's chat template refuses this conversation: {error}"
        ) from error
    return str(text)


def encode_answers(
    messages: Sequence[Turn],
    tokenizer: Any,
    *,
    tools: Sequence[Any] = (),
    first_answer: int = 0,
) -> Encoded:
    """A conversation of which the answers from turn `first_answer` on are trained.

    Where an answer begins and ends is asked of the template: it begins where the rendering of what
    came before, with the generation prompt, ends; it ends with the last token that the template puts
    after the answer's text (the end-of-turn token), without white space behind it. Of a template
    that writes earlier turns differently once more turns follow, only the last answer is trained.
    Raises DataProblem when the template refuses the conversation or no token would be trained.
    """
    text = render(messages, tokenizer, tools=tools)
    if not all(name in text for name in _tool_names(messages, tools)):
        raise DataProblem(
            "The model's chat template does not show tools, so a conversation that calls them cannot "
            "be learnt from. Choose a model made for tools, or use rows without them."
        )
    answers = [
        number
        for number, message in enumerate(messages)
        if message["role"] == "assistant" and number >= first_answer
    ]
    found = [_answer_span(messages, number, text, tokenizer, tools) for number in answers]
    spans = [span for span in found if span is not None]
    if found and found[-1] is None:
        raise DataProblem(
            "The model's chat template writes what was said before differently once an answer "
            "follows, so it cannot be told where the answer stands. Choose another model."
        )
    encoding = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    mask = [
        int(any(begin < right <= end and left < right for begin, end in spans))
        for left, right in encoding["offset_mapping"]
    ]
    if not any(mask):
        raise DataProblem(
            "No token of this row would be trained: it has no answer that the model's chat template shows. "
            "Check that the answer's column was chosen and is not empty."
        )
    return Encoded(list(encoding["input_ids"]), mask)


def _tool_names(messages: Sequence[Turn], tools: Sequence[Any]) -> set[str]:
    """The names of the tools offered and called."""
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    return {str((each.get("function") or each).get("name", "")) for each in (*tools, *calls)}


def _answer_span(
    messages: Sequence[Turn], turn: int, text: str, tokenizer: Any, tools: Sequence[Any]
) -> tuple[int, int] | None:
    """Where the answer of `turn` stands in `text`, in characters; None where the template does not tell."""
    before = render(messages[:turn], tokenizer, tools=tools, for_answer=True)
    if not text.startswith(before):
        before = render(messages[:turn], tokenizer, tools=tools)
    if not text.startswith(before):
        return None
    # What stands after the answer whether or not more turns follow: its end-of-turn token. How the
    # template goes on from there, or closes the whole conversation, belongs to no answer.
    through = render(messages[: turn + 1], tokenizer, tools=tools).rstrip()
    pairs = zip(through, text, strict=False)
    end = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    # An answer that is written otherwise later on (thoughts left out, say) is not learnt cut short.
    said = str(messages[turn].get("content") or "").strip()
    is_whole = turn + 1 == len(messages) or said in text[len(before) : end]
    return (len(before), end) if is_whole else None
