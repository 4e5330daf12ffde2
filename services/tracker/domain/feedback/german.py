"""The words of German comments."""

from __future__ import annotations

from services.tracker.domain.feedback.european import Grammar

_IT = r"(?:es|das|die antwort|den text|der text|deine antwort|ihre antwort|alles|das ganze|sie)"
_MAKE = (
    r"(?:mach|mache|machen sie|machst du|schreib|schreibe|schreiben sie|formuliere|formulier|formulieren sie"
    r"|antworte|"
    r"antworten sie|fass|fasse|fassen sie|halte|halten sie|gestalte|klinge|sei|seien sie|drück dich|drücke dich"
    r"|geht|geht es|"
    r"kannst du|könntest du|könnten sie|können sie|ich möchte|ich hätte gern|ich will|es soll|das soll"
    r"|die antwort soll|"
    r"die antwort sollte|das sollte|es sollte|das muss|es muss|das geht|geht das|nenn|nenne|nennen sie)"
)
_DONE = (
    r"(?:\s+(?:fassen|machen|schreiben|formulieren|antworten|sein|werden|halten|ausdrücken|klingen|gestalten"
    r"|gefasst|geschrieben|formuliert))?"
)
_HOW = (
    r"(?:(?:viel|deutlich|etwas|ein bisschen|ein wenig|noch|bitte|mal|gern|lieber|ruhig|wesentlich|insgesamt"
    r"|einfach|nur|noch etwas)\s+)*"
)
_NAME = (
    r"(?:erwähne|erwähn|erwähnen sie|nenne|nenn|nennen sie|schreib|schreibe|schreiben sie|gib|geben sie|füge|füg"
    r"|fügen sie|"
    r"ergänze|ergänz|ergänzen sie|nimm|nehmen sie|baue|bau|verwende|verwenden sie|benutze|benutzen sie|sag|sage"
    r"|sagen sie)"
)
_IN = r"(?:\s+(?:hinzu|an|ein|auf|mit|dazu|rein|hinein|mit auf|mit ein))?"

GERMAN = Grammar(
    code="de",
    and_="und|oder|sowie",
    splits=r"und(?=\s+(?:erwähn|nenn|schreib|füg|ergänz|lass|streich|antwort|mach|verwend|benutz|beginn|end|ohne"
    r"|mit|sei|bitte|vergiss|"
    r"in|als|auf|höchstens|maximal|mindestens|keine?|nicht|etwas|ein (?:bisschen|wenig)|viel|deutlich"
    r"|entfern|lösch|kürz|freundlicher|höflicher|formeller))"
    r"|aber|dafür|außerdem|sondern auch",
    polite=r"bitte(?: schön)?|danke(?: schön)?|vielen dank|mal|doch|gern|gerne|hallo|hey",
    fillers=r"und|aber|dann|also|auch|noch|nun|jetzt|außerdem|nein|ja|ich hätte es gern|ich hätte gern",
    articles="den|die|das|der|dem|des|ein|eine|einen|einem|einer|auch|noch|unbedingt|bitte|unsere|unseren|unser"
    "|deine|ihre|wort|begriff|"
    "worte|wörter|das wort|den begriff",
    word_of="das wort|den begriff|den ausdruck|die worte|die wörter",
    shorter=(
        r"(?:(?:es|das|die antwort|der text) )?(?:(?:ist|war) )?(?:immer )?(?:noch )?nicht (?:kurz|knapp) genug",
        r"(?:du hast|sie haben) (?:dich|sich|es|das|die antwort|den text) (?:leider |noch |immer noch "
        r"|wieder )*nicht (?:kurz gefasst|kurz gehalten|gekürzt|kürzer gemacht)",
        r"(?:mir|uns) gefällt (?:es |das )?nicht wie lang (?:es|das|die antwort|der text) (?:ist|war|geworden ist)",
        rf"(?:{_MAKE}\s+)?(?:{_IT}\s+)?{_HOW}(?:kürzer|knapper|kompakter|prägnanter|bündiger)(?:\s+bitte)?{_DONE}",
        r"nicht (?:ganz )?so (?:lang|ausführlich|wortreich)",
        rf"(?:(?:{_IT}|ist)\s+(?:ist|war)?\s*)?(?:mir\s+)?{_HOW}(?:viel )?zu (?:lang|ausführlich|wortreich"
        rf"|langatmig|umständlich)(?: geraten)?",
        rf"(?:kürze|kürz|kürzen sie|straffe|straff|verkürze)(?:\s+{_IT})?(?:\s+(?:etwas|ein wenig|deutlich|stark"
        rf"|ab|ein))*",
        r"(?:fass|fasse|fassen sie) (?:dich|sich|es|das|die antwort) (?:kurz|kürzer|zusammen)",
        r"(?:in )?kurzform|kurz und knapp|weniger text|weniger worte|auf den punkt|komm(?:e|en sie)? (?:auf den"
        r"|zum) punkt|nur das wichtigste",
        rf"{_MAKE} (?:{_IT} )?(?:kurz|knapp)(?: und knapp)?{_DONE}",
    ),
    longer=(
        r"(?:(?:es|das|die antwort|der text) )?(?:(?:ist|war) )?(?:immer )?(?:noch )?nicht (?:lang|ausführlich"
        r"|detailliert|genau) genug",
        r"(?:mir|uns) gefällt (?:es |das )?nicht wie (?:kurz|knapp) (?:es|das|die antwort|der text) (?:ist|war"
        r"|geworden ist)",
        rf"(?:{_MAKE}\s+)?(?:{_IT}\s+)?{_HOW}(?:länger|ausführlicher|detaillierter|genauer)(?: wäre (?:schön|gut"
        rf"|besser|nett))?{_DONE}",
        rf"(?:(?:{_IT}|ist)\s+(?:ist|war)?\s*)?(?:mir\s+)?{_HOW}(?:viel )?zu (?:kurz|knapp)(?: geraten)?",
        r"(?:gib (?:mir )?|ich brauche |ich möchte |nenne )?(?:noch )?mehr (?:details|einzelheiten|informationen"
        r"|infos|text)",
        r"(?:führe|führ) (?:es|das) (?:weiter |näher )?aus|geh(?:e|en sie)? (?:mehr )?ins detail",
    ),
    much=r"\b(?:viel|deutlich|stark|wesentlich)\b",
    little=r"\b(?:etwas|ein bisschen|ein wenig)\b",
    include=(
        rf"{_NAME}\s+{{t}}{_IN}",
        r"vergiss(?: auch)? nicht,? {t}(?: zu (?:erwähnen|nennen))?|vergiss {t} nicht",
        r"(?:es )?fehlt(?: noch| mir| leider)? {t}|{t} fehlt(?: noch| mir| leider)?|{t} fehlen(?: noch)?"
        r"|es fehlen(?: noch)? {t}",
        r"{t} (?:soll|sollte|muss|müssen|sollen|sollten)(?: auch| noch| unbedingt)? (?:erwähnt|genannt|aufgeführt"
        r"|angegeben)(?: werden)?",
        r"{t} (?:soll|sollte|muss|müssen|sollen|sollten)(?: auch| noch| unbedingt)? (?:rein|hinein|drinstehen"
        r"|drin stehen|vorkommen|dabei sein|enthalten sein)",
        r"(?:du hast|sie haben) {t} (?:vergessen|weggelassen|nicht erwähnt|nicht genannt)",
        r"mit (?:dem wort |der angabe )?{t}",
        r"(?:wo ist|wo bleibt|was ist mit) {t}",
        r"(?:ich möchte|ich will),? (?:dass )?{t} (?:sehen|lesen|erwähnt wird|genannt wird)",
    ),
    exclude=(
        r"ohne (?:von |über )?{t}(?: zu (?:erwähnen|nennen|schreiben|sagen|sprechen|reden|zitieren))?",
        r"(?:lass|lasse|lassen sie) {t} (?:weg|raus|aus|beiseite)|{t} (?:weglassen|rausnehmen|streichen|entfernen"
        r"|raus|weg|löschen)",
        r"(?:erwähne|erwähn|nenne|nenn|schreib|schreibe|sag|sage|verwende|benutze|erwähnen sie|nennen sie"
        r"|verwenden sie|benutzen sie) {t} (?:nicht|nicht mehr|nie)",
        r"(?:{t} )(?:nicht|nicht mehr|nie) (?:erwähnen|nennen|verwenden|benutzen|schreiben|sagen)",
        r"(?:streiche|streich|streichen sie|entferne|entfern|entfernen sie|lösche|lösch|löschen sie) {t}",
        r"(?:vermeide|vermeiden sie|verzichte auf|verzichten sie auf) {t}",
        r"(?:kein|keine|keinen) {t}(?: erwähnen| nennen| verwenden| angeben| mehr)?",
        r"(?:erwähne|nenne|schreib|schreibe|verwende|benutze) (?:kein|keine|keinen) {t}",
        r"{t} (?:soll|darf|sollte|dürfen|sollen) (?:nicht|nicht mehr|nirgends) (?:vorkommen|erwähnt werden"
        r"|genannt werden|auftauchen|drinstehen)",
        r"nimm {t} (?:raus|heraus)",
    ),
    keep=(
        r"(?:behalte|behalten sie|lass|lasse) {t}(?: bei| drin| stehen| so)?",
        r"(?:lösche|streiche|entferne|ändere) {t} nicht|{t} nicht (?:löschen|streichen|entfernen|ändern|weglassen"
        r"|rausnehmen|vergessen)"
        r"|lass {t} nicht weg",
    ),
    replace=(
        r"(?:ersetze|ersetz|ersetzen sie|tausche) {old} (?:durch|gegen|mit) {new}(?: aus)?",
        r"(?:schreib|schreibe|sag|sage|nimm|verwende) {new} (?:statt|anstatt|anstelle von) {old}",
        r"(?:es ist |es heißt )?nicht {old},? sondern {new}",
        r"(?:ändere|änder) {old} (?:in|zu) {new}",
    ),
    start=(
        r"(?:beginne|beginn|beginnen sie|starte|starten sie|fang|fange|fangen sie)(?: die antwort| den text"
        r"| es)? mit (?:dem wort |den worten |dem satz )?{q}(?: an)?",
        r"am anfang (?:soll |muss )?{q}(?: stehen)?|(?:die antwort |der text |es )?(?:soll|sollte"
        r"|muss) mit {q} (?:beginnen|anfangen|starten)",
    ),
    end=(
        r"(?:ende|beende|beenden sie|schließe|schließ|schließen sie|hör)(?: die antwort| den text| es"
        r"| sie)? mit (?:dem wort |den worten |dem satz )?{q}(?: ab| auf)?",
        r"am (?:ende|schluss) (?:soll |muss )?{q}(?: stehen)?|(?:die antwort |der text |es )?(?:soll|sollte"
        r"|muss) mit {q} (?:enden|aufhören|schließen)",
    ),
    no_exclamation=(
        r"(?:ohne|keine|verwende keine|benutze keine|lass die|bitte keine) (?:\w+ )?ausrufezeichen(?: weg| mehr"
        r"| verwenden)?",
    ),
    no_emoji=(r"(?:ohne|keine|verwende keine|benutze keine|lass die) (?:emojis?|smileys?)(?: weg| mehr"
    r"| verwenden)?",),
    bullets=(
        r"(?:du hast|sie haben) (?:es |das )?(?:keine|nicht als|nicht in) (?:liste|aufzählung|stichpunkten?"
        r"|stichpunkte)(?: daraus)? (?:gemacht|geschrieben|verwendet|benutzt|gegeben)",
        rf"(?:{_MAKE} )?(?:{_IT} )?(?:lieber |daraus )?(?:als|in|eine|mit|in form einer) (?:(?:aufzählung|liste"
        rf"|stichpunkten?|stichworten|aufzählungspunkten|"
        rf"aufzählungszeichen|bullet ?points)|punkten){_DONE}",
        r"(?:gib|geben sie|schreib|schreibe|formatiere|bring) (?:mir )?(?:es|das|die antwort|den text"
        r"|alles) (?:bitte )?(?:als|in)"
        r" (?:eine[r]? )?(?:liste|aufzählung|stichpunkten?|aufzählungsform)",
        r"stichpunktartig|stichpunkte|(?:liste|zähle) (?:es|das|die punkte) auf|nur stichpunkte",
    ),
    numbered=(
        rf"(?:{_MAKE} )?(?:{_IT} )?(?:als|in|mit|eine)?\s*(?:nummerierte[rn]? (?:liste|punkten?|aufzählung"
        rf"|schritte)){_DONE}",
        rf"(?:{_MAKE} )?(?:{_IT} )?nummeriert|nummeriere (?:es|das|die punkte|die schritte)",
    ),
    prose=(
        r"(?:keine|ohne|nicht als|nicht in|verwende keine) (?:liste|aufzählung|stichpunkte|stichpunkten"
        r"|aufzählungszeichen|listen)(?: mehr| verwenden)?",
        r"(?:(?:schreib|schreibe|antworte|bitte) )?(?:als|in) (?:fließtext|ganzen sätzen|vollständigen sätzen)",
    ),
    language=(
        r"(?:du hast|sie haben|es ist|das ist|die antwort ist|der text ist|es war|das war"
        r"|die antwort war)(?: (?:es|das|mir|die antwort|den text|ja|aber|leider|noch|immer noch"
        r"|wieder))* nicht (?:auf|in) {l}(?: (?:geschrieben|geantwortet|formuliert|verfasst|übersetzt))?",
        r"(?:warum|wieso|weshalb) (?:ist|war|hast du|haben sie)(?: (?:es|das|die antwort|der text|den text"
        r"|mir))* nicht (?:auf|in) {l}(?: (?:geschrieben|geantwortet|formuliert|verfasst|übersetzt))?",
        rf"(?:{_MAKE} )?(?:{_IT} )?(?:mir )?(?:auf|in) {{l}}(?: antworten| schreiben| formulieren| sein)?",
        rf"(?:übersetze|übersetz|übersetzen sie) (?:{_IT} )?(?:ins|in|auf|in das) {{l}}e?",
        r"(?:ich möchte (?:die antwort|es) )?auf {l}",
    ),
    languages={
        "englisch": "en", "englische": "en", "deutsch": "de", "deutsche": "de", "französisch": "fr",
        "französische": "fr", "spanisch": "es", "spanische": "es",
        "italienisch": "it", "italienische": "it", "polnisch": "pl", "türkisch": "tr", "chinesisch": "zh",
        "niederländisch": "nl",
        "portugiesisch": "pt", "russisch": "ru", "japanisch": "ja",
    },
    tone=(
        r"(?:(?:es|das|die antwort|der text) (?:ist|war|klingt|klang|wirkt) )?(?:noch )?nicht {w} genug",
        rf"(?:{_MAKE}\s+)?(?:{_IT}\s+)?(?:dich\s+)?{_HOW}{{w}}(?:er)?{_DONE}",
        r"(?:in einem |mit einem |ein |im )(?:etwas )?{w}(?:e[rsn]?)? ton(?:fall)?|(?:der ton (?:soll|sollte"
        r"|muss) )?(?:etwas )?{w} sein",
        r"nicht {w} genug",
    ),
    too=(
        r"(?:mir|uns) gefällt (?:es |das )?nicht wie {w} (?:es|das|die antwort|der text|du|sie) (?:ist|war"
        r"|klingt|klingst|wirkt|klang)",
        rf"(?:{_IT}\s+(?:ist|klingt|wirkt|war)\s+)?(?:mir )?(?:viel |etwas )?zu {{w}}",
        rf"(?:{_MAKE} )?nicht (?:so|ganz so|zu) {{w}}",
        r"weniger {w}",
    ),
    tones={
        "freundlich": "friendly", "freundlicher": "friendly", "netter": "friendly", "herzlicher": "friendly",
        "nett": "friendly", "wärmer": "friendly",
        "höflich": "polite", "höflicher": "polite", "förmlich": "formal", "förmlicher": "formal", "formell": "formal",
        "formeller": "formal", "sachlich": "neutral", "sachlicher": "neutral", "lockerer": "casual",
        "locker": "casual",
        "einfacher": "simple", "verständlicher": "simple", "professioneller": "professional",
        "professionell": "professional",
        "seriöser": "serious", "persönlicher": "friendly", "mitfühlender": "empathetic",
    },
    opposites={
        "förmlich": "casual", "formell": "casual", "steif": "casual", "kühl": "friendly", "kalt": "friendly",
        "unfreundlich": "friendly", "unhöflich": "polite", "locker": "formal", "salopp": "formal",
        "kompliziert": "simple",
        "technisch": "simple", "schroff": "friendly", "hölzern": "casual",
    },
    amount=(
        rf"(?:{_MAKE}\s+)?(?:{_IT}\s+)?(?:{_HOW})(?:(?:in|mit|auf|aus|nur|es sollen"
        rf"|es dürfen)\s+)?{{n}}(?:\s+(?:lang|zusammen|haben|sein|schreiben|antworten|umfassen|dürfen es sein"
        rf"|reichen|genügen))?",
        rf"(?:kürze|kürz|kürzen sie|verkürze)(?:\s+{_IT})?\s+auf\s+{{n}}",
    ),
    most=r"höchstens|maximal|max\.?|nicht mehr als|bis zu|nicht länger als|auf höchstens|auf maximal|nie mehr als",
    below=r"weniger als|unter|kürzer als",
    least=r"mindestens|wenigstens|nicht weniger als|min\.?|nicht unter",
    above=r"mehr als|über|länger als",
    exact=r"genau|exakt",
    about=r"etwa|ungefähr|circa|ca\.?|rund",
    behind_most=r"maximal|höchstens|oder weniger|als maximum",
    behind_least=r"mindestens|oder mehr|als minimum",
    between=r"(?:zwischen )?(?P<low>{n})\s*(?:bis|-|–|und|oder)\s*(?P<high>{n})",
    numbers={
        "ein": 1, "eine": 1, "einem": 1, "einen": 1, "einer": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5,
        "sechs": 6, "sieben": 7,
        "acht": 8, "neun": 9, "zehn": 10, "zwölf": 12, "fünfzehn": 15, "zwanzig": 20, "dreißig": 30, "vierzig": 40,
        "fünfzig": 50, "sechzig": 60, "siebzig": 70, "achtzig": 80, "neunzig": 90, "elf": 11, "hundert": 100,
    },
    units={
        "wörter": "words", "worte": "words", "wörtern": "words", "worten": "words", "wort": "words",
        "sätze": "sentences",
        "sätzen": "sentences", "satz": "sentences", "zeichen": "characters", "buchstaben": "characters",
        "absätze": "paragraphs", "absätzen": "paragraphs", "absatz": "paragraphs", "zeilen": "sentences",
    },
    chat=r"(?:gut|schön|okay|ok|super|prima|sehr gut|ganz gut|nein|ja|so|gefällt mir|passt|das ist gut|gut so)",
    never_words=r"(?:nicht|es|das|sie|mir|mich|dich|mehr|weniger|länger|kürzer|zu|so|dass|wenn|weil|ob|wie|was"
    r"|warum|wo|anders|besser|noch einmal|"
    r"nochmal|auf|in|als|mit|ohne|bitte|kein|keine|keinen|alles|etwas|nichts|ich|du|wir|antworte|zwei|drei)\b"
    r"|(?:nimm|lass|mach|schreib|erwähn|nenn|streich|verwend|füg|benutz|ergänz|entfern|lösch)\w*\b",
)  # fmt: skip
