"""The language of a comment: it is known before anything reads the comment, so that nothing is guessed.

Comments are short and hold names and words of the reply's language; the words that people use to ask for changes tell
their language better than letters do, and lingua decides where no such word stands.
"""

from __future__ import annotations

import math
import re
from collections import Counter

from services.common.function_words import FUNCTION_WORDS
from services.common.languages import confidences
from services.common.text_measures import HAN, KANA, comparable
from services.tracker.domain.words import STOP

_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»|「[^」\n]*」|(?<!\w)'[^'\n]+'(?!\w)|`[^`\n]*`")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_HAN = re.compile(f"[{HAN}]")
_KANA = re.compile(f"[{KANA}]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_ASKING = {
    "en": (
        "emojis insert append separator comment maybe meh sad feels over note nothing anything everything name "
        "names phone hours "
        "shorter longer short long brief briefly concise mention include add remove drop delete keep say "
        "write use avoid "
        "without don't dont do not make it answer reply response text tone word words sentence sentences "
        "paragraph "
        "paragraphs character characters letter letters bullet bullets list points point numbered title "
        "table less more "
        "fewer most least start begin end ending formal friendly friendlier polite casual simple simpler "
        "please thanks "
        "thank price the too much that's it's i'd i'm you're can't doesn't isn't didn't forgot missing wrong "
        "emoji emojis "
        "comma commas exclamation marks mark capital capitals lowercase uppercase caps translate english "
        "german french "
        "spanish italian chinese language explain elaborate details detail shorten expand summarize "
        "summarise instead "
        "replace change put give tell no never only just still about into with of again rewrite rephrase max "
        "maximum min "
        "minimum under over up limit json markdown quote quotes sound sounds like need want would should "
        "must could"
    ),
    "de": (
        "ohne klingt kürzen verwende vermeiden nimm raus muss musst gefällt warum mir nichts steht "
        "kürzer länger kurz lang knapper ausführlicher erwähne erwähnen nenne nennen füge hinzu lass lasse "
        "weg ohne kein "
        "keine keinen bitte antworte antwort auf wörter worte sätze satz zeichen absätze absatz höchstens "
        "mindestens maximal "
        "schreib schreibe formuliere freundlicher höflicher förmlicher formeller lockerer einfacher "
        "stichpunkte stichpunkten "
        "liste als streiche entferne lösche vergiss fehlt statt sondern ersetze beginne beende ende mach "
        "mache den die das "
        "deutsch englisch französisch spanisch zu nicht mehr weniger etwas ein und der es ist mit preis"
    ),
    "fr": (
        "résume résumez résumer aime évite évitez utilise utilisez remplace remplacez peux-tu pouvez faut pourquoi "
        "plus court courte long longue bref brève mentionne mentionner mentionnez ajoute ajouter ajoutez "
        "enlève enlever "
        "supprime supprimer retire sans réponds répondez réponse mots phrases phrase caractères paragraphes "
        "maximum minimum "
        "moins trop écris écrivez sois soyez ton poli amical formel liste puces points anglais français "
        "allemand espagnol "
        "s'il plaît vous te le la les de du des pas ne prix n'oublie d'exclamation commence termine en avec "
        "indique indiquez "
        "raccourcis raccourcir développe développer détaille détaillé détails"
    ),
    "es": (
        "gusta me evita evite uses use usa cambia cambie hables hable hace falta tienes puedes qué perros "
        "más corto corta largo larga breve menciona mencionar mencione añade añadir agrega agregar quita "
        "quitar elimina "
        "eliminar borra sin responde responda respuesta palabras frases oraciones caracteres párrafos máximo "
        "mínimo menos "
        "demasiado muy escribe escriba tono formal amable lista puntos viñetas inglés español francés alemán "
        "por favor el la "
        "los las del de no precio incluye incluir incluya olvides empieza termina con en que di indica "
        "acorta resume detalla "
        "detallado detalles"
    ),
}
_WORDS = {
    code: frozenset({*asking.split(), *FUNCTION_WORDS[code].split(), *(STOP if code == "en" else ())})
    for code, asking in _ASKING.items()
}
_SHARED = Counter(word for words in _WORDS.values() for word in words)
_WORD_WEIGHT = 2.0
"""What a word that one language alone has adds to its logarithm of confidence; shared ones add their part of it."""
_ENGLISH_FIRST = 2.0
"""What English is given beforehand: most comments are in English, and names in them are not."""
_LEAST = 1e-3
_KNOWN_SHARE = 0.25
"""Share of a comment's words that must be known, so that letters alone do not make it English."""
_SURE = 0.5
_MOST_WORDS = 80


def comment_language(comment: str) -> str:
    """The ISO 639-1 code of a comment's language; English where nothing speaks against it."""
    text = comparable(_QUOTED.sub(" ", comment)).strip() or comparable(comment)
    han, kana, latin = (len(pattern.findall(text)) for pattern in (_HAN, _KANA, _LATIN))
    if kana and kana + han > 0.3 * latin:
        return "ja"
    if han and 3 * han >= latin:
        return "zh"
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)[:_MOST_WORDS]]
    if not words:
        return "en"
    likely = dict(confidences(text))
    scores = {
        code: math.log(max(likely.get(code, 0.0), _LEAST))
        + _WORD_WEIGHT * sum(1 / _SHARED[word] for word in words if word in known)
        + _ENGLISH_FIRST * (code == "en")
        for code, known in _WORDS.items()
    }
    best = max(scores, key=lambda code: scores[code])
    other = max(likely, key=lambda code: likely[code], default=best)
    known_words = sum(word in _WORDS[best] for word in words)
    if other not in scores and likely[other] >= _SURE and known_words < _KNOWN_SHARE * len(words):
        return other
    return best
