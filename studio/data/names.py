"""The names that are usual for each part of an example, in seven languages, and how a column fits them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# How sure a name makes us.
EXACT, LOOSE, PARTLY = 0.95, 0.8, 0.75
_NOT_A_TEXT = {
    *("id", "ids", "nr", "no", "number", "count", "length"),
    *("date", "time", "type", "kind", "language", "lang", "url"),
}


def _names(text: str) -> tuple[str, ...]:
    every = (plain_name(name) for name in text.replace("\n", "|").split("|") if name.strip())
    # Some names differ by an accent alone.
    return tuple(dict.fromkeys(every))


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


@dataclass(frozen=True)
class Usual:
    """Names usual for one part, likeliest first; `loose` ones often name something else.

    `endings` close the compounds of languages that write them as one word: `Kundenfrage`.
    """

    names: tuple[str, ...]
    loose: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()

    def fits(self, column: str) -> bool:
        """Whether a column bears one of the usual names, word for word."""
        return plain_name(column) in self.names

    def candidates(self, columns: Iterable[str]) -> list[Candidate]:
        """The columns that may be meant, likeliest first."""
        found = []
        for column in columns:
            plain = plain_name(column)
            if plain in self.names:
                found.append(Candidate(column, EXACT, self.names.index(plain)))
            elif plain in self.loose:
                found.append(Candidate(column, LOOSE, self.loose.index(plain)))
            elif not _NOT_A_TEXT & set(plain.split()):
                ranks = [
                    rank
                    for rank, name in enumerate(self.names)
                    if _stands_in(name, plain) or (name in self.endings and plain.endswith(name))
                ]
                if ranks:
                    found.append(Candidate(column, PARTLY, min(ranks)))
        return sorted(found, key=lambda candidate: (-candidate.certainty, candidate.rank))


@dataclass(frozen=True)
class Candidate:
    """A column that may be meant, how sure its name makes that, and the rank of that name."""

    column: str
    certainty: float
    rank: int


def _stands_in(name: str, plain: str) -> bool:
    """Whether `name` is among the words of a longer name; in scripts without spaces, a part."""
    return f" {name} " in f" {plain} " if name.isascii() else name in plain


PROMPT = Usual(
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
        user|human|customer|message|email|mail|ticket|source|ask|q|instruct|problem
        kunde|nachricht|courriel|client|mensaje|cliente|mensagem
        用户|问|問い|ユーザー
    """),
    _names("frage|anfrage|eingabe|anweisung|anliegen"),
)
RESPONSE = Usual(
    _names("""
        response|answer|answers|completion|output|reply|expected answer|assistant message
        antwort|ausgabe|erwiderung|rückmeldung
        réponse|sortie
        respuesta|salida|contestación
        resposta|saída
        回答|答案|回复|答复|输出|响应|回覆|輸出
        返答|回答文|応答|答え|返信|解答|出力
    """),
    _names("""
        assistant|bot|agent|target|solution|result|a|generation
        lösung|ergebnis|résultat|solución|resultado|solução
        助手|答|アシスタント
    """),
    _names("antwort|ausgabe|erwiderung|rückmeldung"),
)
SYSTEM = Usual(
    _names("""
        system|system prompt|system message|systemprompt|systemanweisung|système|system instruction
        consigne système|sistema|系统|系统提示|系統|システム|システムプロンプト
    """)
)
CONTEXT = Usual(
    _names("""
        context|passage|background|reference text|source document
        kontext|hintergrund|contexte|contexto|上下文|背景|コンテキスト|文脈
    """)
)
HISTORY = Usual(_names("history|chat history|verlauf|historique|historial|histórico|历史|履歴"))
TOOLS = Usual(_names("tools|functions|available tools|werkzeuge|outils|herramientas|工具|ツール"))
CHOSEN = Usual(
    _names("""
        chosen|preferred|accepted|winner|chosen response|better|better answer|good answer
        response chosen|answer chosen|preferred answer|preferred response
        bevorzugt|bessere antwort|gute antwort|préféré|meilleure réponse|preferida|elegida
        mejor respuesta|escolhida|melhor resposta|优选|更好的回答|优选回答|選択|良い回答
    """)
)
REJECTED = Usual(
    _names("""
        rejected|dispreferred|loser|rejected response|worse|worse answer|bad answer
        response rejected|answer rejected|dispreferred answer|dispreferred response
        abgelehnt|schlechtere antwort|schlechte antwort|rejeté|moins bonne réponse|pire réponse
        rechazada|peor respuesta|rejeitada|pior resposta|拒绝|更差的回答|拒绝回答|却下|悪い回答
    """)
)
LABEL = Usual(
    _names("""
        label|labels|category|class|sentiment|intent|topic|tag|department|priority|emotion
        kategorie|klasse|stimmung|absicht|thema|abteilung|catégorie|classe|étiquette|sujet
        categoría|clase|etiqueta|tema|sentimiento|categoria|rótulo|sentimento|assunto
        标签|类别|分类|情感|意图|標籤|類別|ラベル|カテゴリ|カテゴリー|分類|感情
    """),
    _names("target|type|kind|group|rating|stars|score|art|typ|gruppe|groupe|grupo|tipo|type"),
)
VERDICT = Usual(
    _names("""
        label|good|is good|thumbs|thumbs up|feedback|verdict|rating|helpful|liked|accepted|judgement
        bewertung|gut|hilfreich|avis|utile|bon|valoración|útil|bueno|avaliação|bom|好评|评价|是否好
        評価|良い
    """)
)
TEXT = Usual(
    _names("""
        text|content|body|document|passage|article|sentence|paragraph|story|review|comment|tweet|post
        utterance|email|message|abstract|page content|raw content|transcript|description|complaint
        inhalt|dokument|satz|absatz|artikel|beitrag|kommentar|nachricht|bewertungstext|texte|contenu
        phrase|avis|commentaire|texto|contenido|documento|frase|comentario|reseña|conteúdo|comentário
        文本|内容|正文|句子|评论|文章|文檔|テキスト|本文|文|文章|レビュー|コメント
    """)
)
SOURCE = Usual(
    _names("source|src|source text|quelltext|texte source|texto fuente|texto fonte|原文|源文")
)
TARGET = Usual(
    _names("""
        target|tgt|target text|translation|zieltext|übersetzung|traduction|traducción|tradução
        译文|翻译|訳文|翻訳
    """)
)
TITLES = Usual(
    _names(
        "title|subject|headline|heading|titel|betreff|titre|objet|título|asunto|assunto|标题|主题|件名"
    )
)
TEXT_PAIRS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("text1", "text2"),
    ("texta", "textb"),
)
