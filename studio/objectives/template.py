"""The chat template: conversations as text, and where in it each answer begins and ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from weakref import WeakKeyDictionary

from studio.errors import DataProblem
from studio.objectives.objective import Encoded
from studio.objectives.outline import Outline, Span, Turn, outline_of

_OUTLINES: WeakKeyDictionary[Any, dict[Any, Outline | None]] = WeakKeyDictionary()


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


@dataclass(frozen=True)
class Talk:
    """A conversation of which the answers from turn `first_answer` on are trained."""

    messages: Sequence[Turn]
    tools: Sequence[Any] = ()
    first_answer: int = 0


def encode_talks(talks: Sequence[Talk], tokenizer: Any) -> list[Encoded]:
    """Conversations through the template and the tokenizer; the answers' tokens are trained.

    Where an answer begins and ends is asked of the template: it begins where the rendering of what
    came before, with the generation prompt, ends; it ends with the last token that the template puts
    after the answer's text (the end-of-turn token), without white space behind it. Of a template
    that writes earlier turns differently once more turns follow, only the last answer is trained.
    Raises DataProblem when the template refuses a conversation or no token of it would be trained.
    """
    read = [_read(talk, tokenizer) for talk in talks]
    written = tokenizer(
        [text for text, _ in read], add_special_tokens=False, return_attention_mask=False
    )
    added = frozenset(tokenizer.added_tokens_decoder)
    rows = []
    for ids, encoding, (text, spans) in zip(
        written["input_ids"], written.encodings, read, strict=True
    ):
        mask = trained_mask(ids, encoding, spans, len(text), added)
        if 1 not in mask:
            raise DataProblem(
                "No token of this row would be trained: it has no answer that the model's chat template "
                "shows. Check that the answer's column was chosen and is not empty."
            )
        rows.append(Encoded(ids, mask))
    return rows


def trained_mask(
    ids: Sequence[int], encoding: Any, spans: Sequence[Span], letters: int, added: frozenset[int]
) -> list[int]:
    """1 for each token that ends within one of the `spans` of a text of so many `letters`, and holds
    a letter of it.

    The encoding is asked only where each span begins and ends: a list of every token's place takes a
    tenth of what the tokenizer itself does. Where that does not tell, each token's place is looked at.
    `added` are the ids that stand for a word of their own, whatever stands around it.
    """
    mask = [0] * len(ids)
    for begin, end in spans:
        first = encoding.char_to_token(begin)
        after = encoding.char_to_token(end) if end < letters else len(ids)
        # A tokenizer may begin anew after an added token, with one that holds no letter.
        if first is None or after is None or not added.isdisjoint(ids[first : after - 1]):
            return _mask_by_places(encoding.offsets, spans)
        mask[first:after] = [1] * (after - first)
    return mask


def _mask_by_places(offsets: Sequence[Span], spans: Sequence[Span]) -> list[int]:
    return [
        int(left < right and any(begin < right <= end for begin, end in spans))
        for left, right in offsets
    ]


def _read(talk: Talk, tokenizer: Any) -> tuple[str, list[Span]]:
    """The conversation's text, and where in it the answers stand.

    The template writes the text. Where that is its outline filled in, the outline knows the answers'
    places; else the template is asked for each.
    """
    text = render(talk.messages, tokenizer, tools=talk.tools)
    if not talk.tools and all(map(_is_plain, talk.messages)):
        outline = _outline(talk, tokenizer)
        contents = [turn["content"] for turn in talk.messages]
        if outline is not None and text == outline.text(contents):
            return text, outline.spans(contents)
    return text, _spans(talk, text, tokenizer)


def _is_plain(turn: Turn) -> bool:
    """Whether a turn is its words and nothing else, without blanks around them that may go missing."""
    content = turn["content"]
    return len(turn) == 2 and isinstance(content, str) and content == content.strip()


def _outline(talk: Talk, tokenizer: Any) -> Outline | None:
    """The outline of conversations with these roles, made when it is first wanted."""
    known = _OUTLINES.setdefault(tokenizer, {})
    roles = tuple(turn["role"] for turn in talk.messages)
    key = (tokenizer.chat_template, roles, talk.first_answer)
    if key not in known:

        def read(messages: Sequence[Turn]) -> tuple[str, list[Span]]:
            made_up = Talk(messages, (), talk.first_answer)
            text = render(messages, tokenizer)
            return text, _spans(made_up, text, tokenizer)

        try:
            known[key] = outline_of(roles, read)
        except DataProblem:
            known[key] = None
    return known[key]


def _spans(talk: Talk, text: str, tokenizer: Any) -> list[Span]:
    """Where the answers stand in the conversation's text. Raises DataProblem where that is not known."""
    if not all(name in text for name in _tool_names(talk.messages, talk.tools)):
        raise DataProblem(
            "The model's chat template does not show tools, so a conversation that calls them cannot "
            "be learnt from. Choose a model made for tools, or use rows without them."
        )
    answers = [
        number
        for number, message in enumerate(talk.messages)
        if message["role"] == "assistant" and number >= talk.first_answer
    ]
    found = [_answer_span(talk.messages, number, text, tokenizer, talk.tools) for number in answers]
    if found and found[-1] is None:
        raise DataProblem(
            "The model's chat template writes what was said before differently once an answer "
            "follows, so it cannot be told where the answer stands. Choose another model."
        )
    return [span for span in found if span is not None]


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
