"""Chat: the model learns to give the answers, each after what was said before it."""

from __future__ import annotations

from itertools import takewhile
from typing import Any, Protocol

from studio.errors import DataProblem
from studio.objectives.objective import Encoded, Objective, ObjectiveSettings, Role


class Settings(ObjectiveSettings):
    """Chat has nothing to set: the loss lies on the answers only."""


class _Message(Protocol):
    @property
    def role(self) -> str: ...
    @property
    def content(self) -> str: ...


class _Example(Protocol):
    @property
    def messages(self) -> tuple[Any, ...]: ...


def encode(example: _Example, tokenizer: Any, settings: Settings) -> Encoded:
    """Encode a conversation through the tokenizer's own chat template; the answers' tokens are trained.

    Where an answer begins and ends is asked of the template: it begins where the rendering of what
    came before, with the generation prompt, ends; it ends with the last token that the template puts
    after the answer's text (the end-of-turn token), without white space behind it.
    Raises DataProblem when the template refuses the conversation or no token would be trained.
    """
    messages = [{"role": message.role, "content": message.content} for message in example.messages]
    text = render(messages, tokenizer)
    spans = [
        _answer_span(messages, turn, text, tokenizer)
        for turn, message in enumerate(messages)
        if message["role"] == "assistant"
    ]
    encoding = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids = list(encoding["input_ids"])
    mask = [
        int(any(begin < right <= end and left < right for begin, end in spans))
        for left, right in encoding["offset_mapping"]
    ]
    if not any(mask):
        raise DataProblem(
            "No token of this row would be trained: it has no answer that the model's chat template shows. "
            "Check that the answer's column was chosen and is not empty."
        )
    return Encoded(ids, mask)


def render(messages: list[dict[str, str]], tokenizer: Any, *, for_answer: bool = False) -> str:
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
            messages, tokenize=False, add_generation_prompt=for_answer
        )
    except Exception as error:  # jinja2 and the template raise what they like
        raise DataProblem(
            f"The model's chat template refuses this conversation: {error}"
        ) from error
    return str(text)


def _answer_span(
    messages: list[dict[str, str]], turn: int, text: str, tokenizer: Any
) -> tuple[int, int]:
    """Where the answer of `turn` begins and ends in `text`, in characters."""
    before = render(messages[:turn], tokenizer, for_answer=True)
    if not text.startswith(before):
        before = render(messages[:turn], tokenizer)
    if not text.startswith(before):
        raise DataProblem(
            "The model's chat template writes earlier turns differently once more turns follow, so it "
            "cannot be told where this row's answers stand. Use rows with one question and one answer."
        )
    # What stands after the answer whether or not more turns follow: its end-of-turn token. How the
    # template goes on from there, or closes the whole conversation, belongs to no answer.
    through = render(messages[: turn + 1], tokenizer).rstrip()
    pairs = zip(through, text, strict=False)
    return len(before), sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


OBJECTIVE = Objective(
    name="chat",
    title="Answer in my way",
    sentence="The model learns to answer questions the way your examples do.",
    roles=(
        Role("prompt", "Question", "What the model is asked or given."),
        Role("response", "Answer", "What the model should answer."),
        Role("system", "Instruction", "What the model is told about its part, once (optional)."),
        Role("messages", "Conversation", "A whole conversation, as a list of messages."),
    ),
    role_sets=(
        frozenset({"prompt", "response"}),
        frozenset({"prompt", "response", "system"}),
        frozenset({"messages"}),
    ),
    settings=Settings,
    encode=encode,
    metrics={
        "loss": "How surprised the model is by your answers; lower is better.",
        "held_out_loss": "The same on rows that it never trained on; this is the one to watch.",
        "token_accuracy": "How often its first guess of the next word piece of your answers is right.",
        "perplexity": "Among how many word pieces it wavers on average; 1 would be no doubt at all.",
    },
    needs_template=True,
)
