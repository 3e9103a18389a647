"""Which language a text is in, by its script and its commonest words; unsure texts have none."""

from __future__ import annotations

import re
from collections import Counter

# Words that are frequent in one language and rare in the others listed here.
_COMMON = {
    "en": "the and of to is you that it for was with are this have not be on your we can please what "
    "how my i do does would will from they when which there an at our has if",
    "de": "der die das und ist nicht ich sie wir ein eine mit für auf den dem zu von bitte wie kann "
    "haben hat sind werden wird auch bei oder wenn nach ihr ihre mein meine im am zum zur noch",
    "fr": "le la les des et est pas je vous nous une un dans pour avec sur que qui ce cette au aux du "
    "votre mon ma mes être avez ai ne plus comment bonjour merci sont ou où par",
    "es": "el la los las y es no que un una por para con su mi se del al lo como más pero está "
    "usted tengo puede gracias cuando muy este esta hay qué cómo son fue en",
    "pt": "o os as e é não que um uma por para com seu minha meu se do da dos das no na ao você como "
    "mais mas está tenho pode obrigado quando muito este esta há são foi em",
    "it": "il lo gli e è non che un una per con su mi si del della dei delle al come più ma sono ho "
    "può grazie quando molto questo questa ci nel nella di da",
    "nl": "de het een en is niet ik u we van voor met op dat die te zijn heb hebben kan aan ook bij of "
    "als naar uw mijn wordt er maar om nog dit hoe wat",
    "pl": "i w nie na się jest to że z do jak po co tak za od ale czy dla mam może są przez przy jest "
    "proszę dziękuję mój moja który",
    "sv": "och att det är en ett som på av för med inte jag har den till om kan vi ni du var från hur "
    "vad min mitt din eller men",
    "tr": "ve bir bu için ile de da ne var çok daha gibi kadar ben sen biz siz nasıl değil olarak olan "
    "mı mi lütfen benim",
}
_LANGUAGES_OF: dict[str, tuple[str, ...]] = {}
for _code, _words in _COMMON.items():
    for _word in set(_words.split()):
        _LANGUAGES_OF[_word] = (*_LANGUAGES_OF.get(_word, ()), _code)

_SCRIPTS = (
    ("ja", re.compile("[\u3041-\u30ff]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("ko", re.compile("[\uac00-\ud7a3]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
NAMES = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "pt": "Portuguese",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "sv": "Swedish",
    "tr": "Turkish",
    "ja": "Japanese",
    "zh": "Chinese",
    "ko": "Korean",
    "ru": "Russian",
    "el": "Greek",
    "ar": "Arabic",
    "he": "Hebrew",
    "hi": "Hindi",
    "th": "Thai",
}
_CHARACTERS = 400
_LEAST_WORDS = 2


def language_of(text: str) -> str | None:
    """The text's language as a code of two letters, judged by its beginning; None where that is open.

    Cyrillic counts as Russian and Arabic script as Arabic: what matters is that it is another one.
    """
    text = text[:_CHARACTERS]
    if not text.isascii():
        letters = sum(map(str.isalpha, text))
        for code, script in _SCRIPTS:
            # A few kana are enough to tell Japanese from Chinese; a foreign name is no language.
            share = 0.1 if code == "ja" else 0.3
            if len(script.findall(text)) > share * letters:
                return code
    found: Counter[str] = Counter()
    for word in re.findall(r"[^\W\d_]+", text.lower()):
        codes = _LANGUAGES_OF.get(word, ())
        for code in codes:
            found[code] += 6 // len(codes)
    (first, most), (_, next_most) = [*found.most_common(2), ("", 0), ("", 0)][:2]
    return first if most >= 6 * _LEAST_WORDS and most >= 1.5 * next_most else None
