"""Names of persons where the words around say that one stands there: a title, a greeting, a farewell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.checks.detectors.detector import Detector, Span

# No library of names by themselves is good enough for ten languages without a model of hundreds of
# megabytes; so only names that the text itself points out are found. The test prints what is missed.
_WORD = r"[A-ZÀ-ÖØ-ÞŁŚŻČŠŽ][\w'’-]*[\w]"
_PARTICLE = r"(?:(?:von|van|de|der|den|da|do|dos|das|del|della|di|la|le|du|y|e|zu)\s+){0,2}"
_NAME = rf"(?P<name>{_WORD}(?:\s+{_PARTICLE}{_WORD}){{0,3}})"
_TITLE = (
    r"(?:(?:Mr|Mrs|Ms|Mx|Dr|Prof|Sr|Sra|Srta|Dña|Mme|Mlle)\.?|M\.|Miss|Sir|Herrn?|Frau|Monsieur|Madame"
    r"|Mademoiselle|Señor|Señora|Señorita|Don|Doña|Senhora?|Dona|Professor|Doctor|Doutora?|Doktor)"
)
_SAYS = (
    r"(?:[Mm]y name is|[Tt]his is|I am called|[Mm]ein Name ist|[Ii]ch heiße|[Ii]ch heisse|[Hh]ier ist"
    r"|[Jj]e m['’]appelle"
    r"|[Mm]on nom est|[Mm]e llamo|[Mm]i nombre es|[Ss]oy|[Cc]hamo-me|[Mm]e chamo|[Oo] meu nome é|[Mm]eu nome é"
    r"|[Ss]igned by|[Pp]atient(?:in)?:?|[Cc]lient:|[Nn]ame:|[Nn]om:|[Nn]ombre:|[Nn]ome:)"
)
_GREETS = (
    r"(?:Dear|Hello|Hi|Hallo|Liebe[rs]?|Guten Tag|Sehr geehrter?|Chère?|Bonjour|Hola|Estimad[oa]|Querid[oa]"
    r"|Olá|Prezad[oa]|Car[oa])"
)
_FAREWELL = (
    r"(?:[Rr]egards|[Ss]incerely|[Bb]est wishes|[Cc]heers|[Tt]hanks|[Gg]rüßen|[Gg]rüße|[Gg]rüsse|[Gg]ruß|VG|LG"
    r"|[Cc]ordialement|[Ss]alutations|[Aa]mitiés|[Ss]aludos?|[Aa]tentamente|[Cc]umprimentos|[Aa]tenciosamente|[Aa]braços?)"
)
_CUES = (
    re.compile(rf"(?<!\w){_TITLE}\s+(?:(?:Dr|Prof)\.\s+)*{_NAME}"),
    re.compile(rf"(?<!\w){_SAYS}\s+{_NAME}"),
    re.compile(rf"(?<!\w){_GREETS}\s+{_NAME}(?=\s*[,!:\n]|$)"),
    re.compile(rf"(?<!\w){_FAREWELL}\s*[,.!]?\s*\n+\s*{_NAME}(?=\s*(?:\n|$))"),
    re.compile(rf"(?<!\w){_FAREWELL},\s+{_NAME}(?=\s*[.\n]|\s*$)"),
)
_NOT_A_NAME = {
    *(
        "Sir",
        "Madam",
        "Team",
        "Support",
        "Customer",
        "Service",
        "Sirs",
        "All",
        "Everyone",
        "There",
        "Colleague",
    ),
    *(
        "Colleagues",
        "Customers",
        "Friend",
        "Friends",
        "Damen",
        "Herren",
        "Kunde",
        "Kundin",
        "Kunden",
        "Team",
    ),
    *(
        "Zusammen",
        "Alle",
        "Kollegen",
        "Madame",
        "Monsieur",
        "Messieurs",
        "Mesdames",
        "Client",
        "Cliente",
    ),
    *(
        "Equipo",
        "Equipe",
        "Equipa",
        "Clientes",
        "Señores",
        "Senhores",
        "Senhor",
        "Senhora",
        "Señor",
        "Señora",
    ),
    *(
        "The",
        "This",
        "Das",
        "Die",
        "Der",
        "World",
        "Welt",
        "Monde",
        "Mundo",
        "Again",
        "Herr",
        "Frau",
        "Mr",
        "Ms",
        "Mrs",
    ),
    *(
        "Doctor",
        "Doktor",
        "Docteur",
        "Hiring",
        "Manager",
        "Sirs",
        "Order",
        "We",
        "It",
        "I",
        "Is",
        "In",
        "Our",
    ),
}
_SIGNS = re.compile(r"[A-ZÀ-Þ]")


def find(text: str) -> Iterator[Span]:
    """Every name behind a title, `my name is`, a greeting or a farewell, in five languages."""
    if not _SIGNS.search(text):
        return
    seen: set[Span] = set()
    for cue in _CUES:
        for match in cue.finditer(text):
            begin, end = match.span("name")
            first = re.split(r"\s", match.group("name"), maxsplit=1)[0]
            if first in _NOT_A_NAME or any(begin < other[1] and other[0] < end for other in seen):
                continue
            seen.add((begin, end))
            yield begin, end


DETECTOR = Detector("name", "names of persons", "[NAME]", "personal", find, rank=9)
