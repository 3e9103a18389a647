"""Conversations in a cell, in every spelling that is usual, as turns of system, user, assistant and tool."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from studio.data.cells import Unusable, text

USER, ASSISTANT, SYSTEM, TOOL = "user", "assistant", "system", "tool"

SPEAKERS = {
    **dict.fromkeys(("user", "human", "prompter", "customer", "client", "question"), USER),
    **dict.fromkeys(("assistant", "gpt", "bot", "model", "chatgpt", "ai", "agent"), ASSISTANT),
    **dict.fromkeys(("bard", "claude", "bing", "chatbot", "answer"), ASSISTANT),
    **dict.fromkeys(("system", "developer"), SYSTEM),
    **dict.fromkeys(("tool", "function", "observation", "function_response", "ipython"), TOOL),
}
"""What exports call the speakers, and which role each is; `function_call` is an assistant's turn."""

_CALL = "function_call"
_WHO = ("role", "from", "speaker", "author", "sender")
_WHAT = ("content", "value", "text", "message", "utterance")
# A turn that holds question and answer at once.
_PAIRS = (
    ("user", "assistant"),
    ("human", "assistant"),
    ("human", "gpt"),
    ("prompt", "response"),
    ("input", "output"),
    ("question", "answer"),
    ("instruction", "response"),
)
_MARK = re.compile(r"(?:^|\n)[ \t]*(?:#{1,4}[ \t]*)?(Human|User|Assistant|Bot|System)[ \t]*:[ \t]*")


class Message(NamedTuple):
    """One turn of a conversation; `tool_calls` are what the chat template takes by that name."""

    role: str
    content: str
    tool_calls: tuple[Mapping[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """`{"role", "content"}`, and `"tool_calls"` where there are any."""
        plain: dict[str, Any] = {"role": self.role, "content": self.content}
        return plain | ({"tool_calls": list(self.tool_calls)} if self.tool_calls else {})


def said(turns: Iterable[Message]) -> str:
    """What turns say, as one text; of a single turn just its words."""
    return "\n".join(turn.content for turn in turns)


def is_conversation(cell: Any) -> bool:
    """Whether a cell looks like a whole conversation."""
    try:
        return bool(turns_in(cell))
    except Unusable:
        return False


def turns_in(cell: Any) -> tuple[Message, ...]:
    """The turns in a cell: a list, the text of one, or a text with `Human:` and `Assistant:` in it.

    Raises Unusable("not_messages") where it is none, Unusable("not_text") where a turn holds no text.
    """
    if isinstance(cell, str):
        cell = _from_text(cell)
    if isinstance(cell, dict):
        cell = next((cell[name] for name in ("messages", "conversations") if name in cell), [cell])
    if not isinstance(cell, list) or not cell:
        raise Unusable("not_messages")
    return tuple(turn for entry in cell for turn in _turns(entry))


def _from_text(cell: str) -> Any:
    beginning = cell.lstrip()[:1]
    if beginning in ("[", "{"):
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            raise Unusable("not_messages") from None
    pieces = _MARK.split(cell)
    if len(pieces) < 5 or pieces[0].strip():
        raise Unusable("not_messages")
    return [
        {"role": who, "content": what} for who, what in zip(pieces[1::2], pieces[2::2], strict=True)
    ]


def _turns(entry: Any) -> list[Message]:
    """The turn, or question and answer, that one entry of a conversation's list is."""
    if isinstance(entry, list) and len(entry) == 2 and all(isinstance(e, str) for e in entry):
        return [Message(USER, text(entry[0])), Message(ASSISTANT, text(entry[1]))]
    if not isinstance(entry, dict):
        raise Unusable("not_messages")
    who = next((entry[key] for key in _WHO if isinstance(entry.get(key), str)), None)
    if who is not None:
        return [_turn(who, entry)]
    for question, answer in _PAIRS:
        if question in entry and answer in entry:
            before = text(entry.get("system"))
            turns = [Message(USER, text(entry[question])), Message(ASSISTANT, text(entry[answer]))]
            return [Message(SYSTEM, before), *turns] if before else turns
    raise Unusable("not_messages")


def _turn(who: str, entry: Mapping[str, Any]) -> Message:
    role = who.strip().lower()
    what = next((entry[key] for key in _WHAT if key in entry), None)
    if role == _CALL:
        return Message(ASSISTANT, "", _calls(what))
    return Message(SPEAKERS.get(role, role), _content(what), _calls(entry.get("tool_calls") or []))


def _content(what: Any) -> str:
    """A turn's text: as it is, or the texts of a list of parts."""
    if not isinstance(what, list):
        return text(what)
    parts = []
    for part in what:
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, dict) and part.get("type", "text") in ("text", "input_text"):
            parts.append(text(part.get("text")))
        else:
            # A picture or a sound: the text beside it would not be the same without it.
            raise Unusable("not_text")
    return text("\n".join(parts))


def _calls(cell: Any) -> tuple[Mapping[str, Any], ...]:
    """Calls of tools, as a list, one object or their JSON text, in the form that templates take."""
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except (ValueError, RecursionError):
            raise Unusable("not_messages") from None
    calls = cell if isinstance(cell, list) else [cell]
    if not all(isinstance(call, dict) for call in calls):
        raise Unusable("not_messages")
    return tuple(
        call if "function" in call else {"type": "function", "function": call} for call in calls
    )


def tools_in(cell: Any) -> tuple[Mapping[str, Any], ...]:
    """The tools that a conversation offers, from a list or its JSON text; none where there are none."""
    if isinstance(cell, str):
        try:
            cell = json.loads(cell) if cell.strip() else []
        except (ValueError, RecursionError):
            raise Unusable("not_tools") from None
    if cell is None:
        return ()
    tools = cell if isinstance(cell, list) else [cell]
    if not all(isinstance(tool, dict) for tool in tools):
        raise Unusable("not_tools")
    return tuple(tools)


def checked(turns: Sequence[Message]) -> tuple[Message, ...]:
    """The turns, once they are what a chat template takes and something to answer comes first.

    A system message may stand first; then user and assistant take turns, and between two turns of
    the assistant a tool may answer a call. Raises Unusable.
    """
    begins = bool(turns) and turns[0].role == SYSTEM
    spoken = tuple(turns[1:]) if begins else tuple(turns)
    before = ASSISTANT
    for turn in spoken:
        expected = {
            USER: (ASSISTANT,),
            ASSISTANT: (USER, TOOL),
            TOOL: (ASSISTANT, TOOL),
        }.get(turn.role)
        is_first_tool = turn.role == TOOL and not any(each.tool_calls for each in spoken)
        if expected is None or before not in expected or is_first_tool:
            raise Unusable("roles")
        before = turn.role
    for turn in spoken:
        if not turn.content and not turn.tool_calls and turn.role != TOOL:
            raise Unusable("empty_prompt" if turn.role == USER else "empty_answer")
    return tuple(turns) if begins and turns[0].content else spoken


def answered(turns: Sequence[Message]) -> tuple[Message, ...]:
    """A whole conversation that ends with an answer. Raises Unusable."""
    if not turns or turns[-1].role != ASSISTANT:
        raise Unusable("no_answer")
    return checked(turns)
