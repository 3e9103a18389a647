"""Which column plays which role: recognised by usual names, or chosen by hand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from studio.data.table import Row, Table
from studio.errors import FieldProblem, did_you_mean

CONFIDENT = 0.5
"""From this confidence on a mapping may be used without asking."""

_SAMPLE_ROWS = 200

# How sure a name makes us; how sure we are when one of two names is known; and at most when
# two columns could be meant for one role: then a person is asked.
_EXACT, _LOOSE, _PARTLY, _HALF, _CONTESTED = 0.95, 0.8, 0.75, 0.6, 0.45
_NOT_A_TEXT = {
    *("id", "ids", "nr", "no", "number", "count", "length"),
    *("date", "time", "type", "kind", "language", "lang", "url"),
}


@dataclass(frozen=True)
class ColumnMapping:
    """Who plays which role, how sure that is (0 to 1) and why, in a sentence."""

    objective: str
    roles: Mapping[str, str] = field(default_factory=dict)
    confidence: float = 0.0
    reason: str = ""


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.replace("\n", "|").split("|") if name.strip())


@dataclass(frozen=True)
class Role:
    """One part of an example, and the column names usual for it, likeliest first.

    `loose_names` are usual too, but often name something else.
    """

    name: str
    title: str
    names: tuple[str, ...]
    loose_names: tuple[str, ...] = ()


PROMPT = Role(
    "prompt",
    "Question or instruction",
    _names("""
        prompt|question|instruction|input|query|inquiry|enquiry|request|customer message
        user message|user input|customer question
        frage|anfrage|kundenanfrage|eingabe|anweisung|aufforderung|anliegen
        demande|requête|consigne|entrée|invite
        pregunta|consulta|instrucción|solicitud|petición|entrada
        pergunta|questão|instrução|solicitação|pedido
        问题|提问|用户问题|指令|提示词|提示|输入|请求|問題|提問|輸入
        質問|お問い合わせ|問い合わせ|問合せ|指示|プロンプト|入力|依頼
    """),
    _names("""
        user|human|customer|message|email|mail|ticket|source|ask|q
        kunde|nachricht|courriel|client|mensaje|cliente|mensagem
        用户|问|問い|ユーザー
    """),
)
RESPONSE = Role(
    "response",
    "Answer",
    _names("""
        response|answer|completion|output|reply|expected answer|assistant message
        antwort|ausgabe|erwiderung|rückmeldung
        réponse|sortie
        respuesta|salida|contestación
        resposta|saída
        回答|答案|回复|答复|输出|响应|回覆|輸出
        返答|回答文|応答|答え|返信|解答|出力
    """),
    _names("""
        assistant|bot|agent|target|solution|result|a
        lösung|ergebnis|résultat|solución|resultado|solução
        助手|答|アシスタント
    """),
)
SYSTEM = Role(
    "system",
    "Standing instruction (system prompt)",
    _names("""
        system|system prompt|system message|systemprompt|systemanweisung|système
        consigne système|sistema|系统|系统提示|系統|システム|システムプロンプト
    """),
)
MESSAGES = Role("messages", "Whole conversation (messages)", ("messages",))

ROLES: dict[str, tuple[Role, ...]] = {"chat": (PROMPT, RESPONSE, SYSTEM, MESSAGES)}
REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {"chat": (("prompt", "response"), ("messages",))}
"""The sets of roles of which one must be complete."""


def recognise(table: Table) -> ColumnMapping:
    """The likeliest mapping of the columns; confidence 0 and no roles where there is none."""
    sample = table.rows[:_SAMPLE_ROWS]
    return (
        _conversation(table.columns, sample)
        or _named(table.columns, sample)
        or _guessed(table.columns, sample)
    )


def check_columns(
    columns: Sequence[str], roles: Mapping[str, str], objective: str = "chat"
) -> tuple[FieldProblem, ...]:
    """Everything wrong with a mapping chosen by hand, each at its field `data.columns.<role>`."""
    known = [role.name for role in ROLES[objective]]
    problems = []
    for role, column in roles.items():
        words = ""
        if role not in known:
            words = (
                f"There is no role '{role}'.{did_you_mean(role, known)} Roles: {', '.join(known)}."
            )
        elif column not in columns:
            names = ", ".join(f"'{name}'" for name in columns[:20])
            near = did_you_mean(column, columns)
            words = f"The file has no column '{column}'.{near} Columns: {names}."
        elif list(roles.values()).count(column) > 1:
            words = f"The column '{column}' is chosen more than once. Choose another here."
        if words:
            problems.append(FieldProblem(f"data.columns.{role}", words))
    return (*problems, *_missing_roles(roles, objective))


def _missing_roles(roles: Mapping[str, str], objective: str) -> list[FieldProblem]:
    sets = REQUIRED[objective]
    begun_sets = [needed for needed in sets if any(role in roles for role in needed)]
    if len(begun_sets) > 1:
        ways = " or ".join(" and ".join(needed) for needed in begun_sets)
        return [FieldProblem(f"data.columns.{begun_sets[-1][0]}", f"Choose either {ways}.")]
    if any(all(role in roles for role in needed) for needed in sets):
        return []
    titles = {role.name: role.title for role in ROLES[objective]}
    return [
        FieldProblem(f"data.columns.{role}", f"Choose the column for '{titles[role]}' ({role}).")
        for role in (begun_sets or sets)[0]
        if role not in roles
    ]


def _conversation(columns: Sequence[str], sample: Sequence[Row]) -> ColumnMapping | None:
    """A column whose cells are lists of {"role", "content"}."""
    for column in columns:
        cells = [row.get(column) for row in sample]
        if cells and sum(map(_is_conversation, cells)) > len(cells) / 2:
            certainty = 1.0 if plain_name(column) in MESSAGES.names else 0.9
            reason = f"The column '{column}' holds whole conversations with roles."
            return ColumnMapping("chat", {"messages": column}, certainty, reason)
    return None


def _is_conversation(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.lstrip().startswith("[") and '"role"' in cell and '"content"' in cell
    return (
        isinstance(cell, list)
        and bool(cell)
        and all(isinstance(turn, dict) and "role" in turn and "content" in turn for turn in cell)
    )


def _named(columns: Sequence[str], sample: Sequence[Row]) -> ColumnMapping | None:
    """Prompt and response by their names, exact ones before partly matching ones."""
    systems = [found.column for found in _candidates(SYSTEM, columns) if found.certainty == _EXACT]
    others = [column for column in columns if column not in systems]
    answers = _candidates(RESPONSE, others)
    # A name such as `customer answer` fits both; the word for the answer decides.
    taken = {found.column for found in answers}
    questions = [found for found in _candidates(PROMPT, others) if found.column not in taken]
    if not answers or not questions:
        return _half_named(others, questions, answers)
    question, answer = questions[0], answers[0]
    certainty = min(question.certainty, answer.certainty)
    reason = (
        f"The names '{question.column}' and '{answer.column}' are usual for question and answer."
    )
    rivals = [
        f"'{found.column}'"
        for chosen, found in [(question, q) for q in questions[1:]]
        + [(answer, a) for a in answers[1:]]
        if found.certainty >= chosen.certainty and _is_filled(found.column, sample)
    ]
    if rivals:
        certainty = min(certainty, _CONTESTED)
        reason += f" Left out, though it may be meant: {', '.join(rivals)}."
    roles = {"prompt": question.column, "response": answer.column}
    if systems:
        roles["system"] = systems[0]
    return ColumnMapping("chat", roles, certainty, reason)


@dataclass(frozen=True)
class _Candidate:
    column: str
    certainty: float
    rank: int


def _candidates(role: Role, columns: Iterable[str]) -> list[_Candidate]:
    """The columns that may play `role`, likeliest first."""
    strict = [plain_name(name) for name in role.names]
    loose = [plain_name(name) for name in role.loose_names]
    found = []
    for column in columns:
        plain = plain_name(column)
        if plain in strict:
            found.append(_Candidate(column, _EXACT, strict.index(plain)))
        elif plain in loose:
            found.append(_Candidate(column, _LOOSE, loose.index(plain)))
        elif not _NOT_A_TEXT & set(plain.split()):
            ranks = [rank for rank, name in enumerate(strict) if _stands_in(name, plain)]
            if ranks:
                found.append(_Candidate(column, _PARTLY, min(ranks)))
    return sorted(found, key=lambda candidate: (-candidate.certainty, candidate.rank))


def _stands_in(name: str, plain: str) -> bool:
    """Whether `name` is among the words of a longer name; in scripts without spaces, a part."""
    return f" {name} " in f" {plain} " if name.isascii() else name in plain


def _half_named(
    columns: Sequence[str], questions: list[_Candidate], answers: list[_Candidate]
) -> ColumnMapping | None:
    """Of two columns one is known: the other is the other."""
    known = [*questions, *answers]
    if len(columns) != 2 or not known:
        return None
    column = known[0].column
    other = columns[1 - list(columns).index(column)]
    prompt, response = (column, other) if questions else (other, column)
    return ColumnMapping(
        "chat",
        {"prompt": prompt, "response": response},
        _HALF,
        f"Only the name '{column}' is known; '{other}' is the one other column.",
    )


def _guessed(columns: Sequence[str], sample: Sequence[Row]) -> ColumnMapping:
    """The two columns with the longest texts, in the order in which they stand."""
    lengths = {column: _mean_length(column, sample) for column in columns}
    texts = [column for column in columns if lengths[column] > 0]
    if len(texts) < 2:
        return ColumnMapping(
            "chat",
            reason="Training needs two columns, a question and its answer; "
            f"this file has {_count(len(columns), 'column')}"
            f"{' with text' if len(columns) > 1 else ''}.",
        )
    longest = sorted(texts, key=lambda column: -lengths[column])[:2]
    prompt, response = (column for column in columns if column in longest)
    certainty = 0.3 if len(columns) == 2 else 0.2
    reason = (
        "The names of the columns are not known. "
        f"'{prompt}' and '{response}' are a guess, by their length and order: choose the columns."
    )
    return ColumnMapping("chat", {"prompt": prompt, "response": response}, certainty, reason)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _mean_length(column: str, sample: Sequence[Row]) -> float:
    """Characters of the column's texts; numbers and nested values count nothing."""
    texts = [row.get(column) for row in sample]
    lengths = [len(text) for text in texts if isinstance(text, str) and not _is_number(text)]
    return sum(lengths) / max(1, len(sample))


def _is_number(text: str) -> bool:
    return not re.search(r"[^\W\d_]", text)


def _is_filled(column: str, sample: Sequence[Row]) -> bool:
    return any(str(row.get(column) or "").strip() for row in sample)


def plain_name(name: str) -> str:
    """A name without case, accents and punctuation: `Réponse_Client` is `reponse client`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    apart = unicodedata.normalize("NFKD", spaced).casefold()
    kept = "".join(
        letter
        for letter in apart
        if unicodedata.category(letter) != "Mn" or letter in "\u3099\u309a"
    )
    return " ".join(re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", kept)).split())
