"""The words of Spanish comments."""

from __future__ import annotations

from services.tracker.domain.feedback.european import Grammar

_IT = r"(?:lo|la|el texto|la respuesta|tu respuesta|su respuesta|es|está|todo|esto|eso)"
_MAKE = (
    r"(?:haz|escríbelo|escríbela|escribelo|dilo|hazlo|hazla|haga|hágalo|hágala|escribe|escribe lo|escriba|responde"
    r"|responda|contesta|conteste|sé|sea"
    r"|usa|use|pon|ponlo|ponla|"
    r"quiero|quisiera|me gustaría|puedes|podrías|podría|hacerlo|hacerla|que sea|debe ser|debería ser|tiene que ser"
    r"|una respuesta|una versión|un texto|"
    r"reescríbelo|reescríbela|redacta|ser|necesito|mejor|suena|utiliza)"
)
_NAME = (
    r"(?:menciona|mencione|mencionar|añade|añada|añadir|agrega|agregue|agregar|incluye|incluya|incluir|indica"
    r"|indique|indicar|di|diga|da|dé|pon|"
    r"ponga|cita|recuerda|recuerde|nombra|especifica|especifique|usa la palabra|utiliza la palabra|habla de)"
)
_HOW = r"(?:(?:un poco|mucho|bastante|algo|aún|todavía|un poquito|ligeramente|simplemente|por favor)\s+)*"

SPANISH = Grammar(
    code="es",
    and_="y|e|o|así como",
    splits=r"y(?=\s+(?:mencion|añad|agreg|inclu|indic|quit|elimin|borr|suprim|respond|escrib|contest|sé|sea|empiez"
    r"|empie|comienz|termin|acab|sin|con|haz|pon|"
    r"no|en|como|un poco|mucho más|algo más|máximo|más|usa|evit|di))|pero|luego|además|después",
    polite=r"por favor|porfa|gracias|muchas gracias|hola",
    fillers=r"y|pero|luego|también|además|no,|sí|entonces|mejor",
    articles="el|la|los|las|un|una|unos|unas|del|de la|de los|de las|al|también|nuestro|nuestra|su|tu|palabra"
    "|la palabra|las palabras|término|el término|expresión|a",
    word_of="la palabra|las palabras|el término|la expresión",
    shorter=(
        r"no es (?:lo )?(?:bastante|suficientemente) (?:corto|corta|breve|conciso|concisa)",
        r"no me gusta lo (?:largo|larga|extenso|extensa) que (?:es|está|ha quedado)",
        r"no (?:has|ha) sido (?:breve|conciso|concisa)",
        r"no lo (?:has|ha) (?:acortado|resumido|abreviado)",
        rf"(?:{_MAKE}\s+)?(?:{_IT}\s+)?(?:{_MAKE}\s+)?{_HOW}más (?:corto|corta|breve|breves|conciso|concisa"
        rf"|resumido|resumida|escueto|escueta)",
        r"no tan (?:largo|larga|extenso|extensa|detallado|detallada)",
        rf"(?:{_IT}\s+)?(?:es\s+|está\s+)?{_HOW}(?:demasiado|muy) (?:largo|larga|extenso|extensa|detallado"
        rf"|detallada)",
        r"(?:acorta|acorte|acórtalo|acórtala|acortar|resume|resuma|resúmelo|abrevia|abrevie|reduce|reduzca|recorta"
        r"|recorte|condensa)"
        r"(?:\s+(?:la respuesta|el texto|un poco|esto|todo|lo))*",
        r"(?:sé|sea) (?:breve|conciso|concisa)|en resumen|ve al grano|vaya al grano|menos texto|menos palabras"
        r"|menos largo|menos larga|solo lo esencial|brevemente",
    ),
    longer=(
        r"no es (?:lo )?(?:bastante|suficientemente) (?:largo|larga|detallado|detallada|completo|completa)",
        r"no me gusta lo (?:corto|corta|breve) que (?:es|está|ha quedado)",
        rf"(?:{_MAKE}\s+)?(?:{_IT}\s+)?(?:{_MAKE}\s+)?{_HOW}más (?:largo|larga|detallado|detallada|extenso|extensa"
        rf"|completo|completa)",
        rf"(?:{_IT}\s+)?(?:es\s+|está\s+)?{_HOW}(?:demasiado|muy) (?:corto|corta|breve|escueto|escueta)",
        r"(?:da|dame|dé|añade|quiero|necesito)?\s*más (?:detalles|información|datos|detalle)",
        r"(?:amplía|amplíe|desarrolla|desarrolle|detalla|detalle|extiende)(?:\s+(?:la respuesta|un poco|más|esto))*",
    ),
    much=r"\b(?:mucho|bastante)\b",
    little=r"\b(?:un poco|algo|ligeramente|un poquito)\b",
    include=(
        rf"{_NAME}\s+(?:también\s+)?{{t}}(?:\s+(?:también|en la respuesta))?",
        r"no (?:olvides|olvide|te olvides de|se olvide de)(?: mencionar| indicar| incluir| poner| decir)? {t}",
        r"falta(?:n)? {t}|{t} falta(?:n)?|(?:has|ha) olvidado {t}|(?:te|se) (?:has olvidado de|olvidó"
        r"|olvidaste) {t}|olvidaste {t}",
        r"(?:debe|deben|tiene que|tienen que|debería) (?:aparecer|mencionarse|incluirse|salir) {t}|{t} (?:debe"
        r"|deben|tiene que|debería) (?:aparecer|estar|mencionarse|salir)",
        r"con (?:la palabra )?{t}",
        r"(?:y|dónde está|dónde están|qué hay de|qué pasa con) {t}",
        r"quiero (?:ver|leer) {t}",
    ),
    exclude=(
        r"sin (?:mencionar |decir |hablar (?:de |del )|indicar |citar |nombrar |dar |incluir |la palabra |usar )?{t}",
        r"no (?:menciones|mencione|digas|diga|pongas|ponga|uses|use|incluyas|incluya|hables de|hable de|cites|des"
        r"|dé|nombres|escribas|utilices|utilice) (?:más )?{t}",
        r"(?:quita|quite|elimina|elimine|borra|borre|suprime|suprima|saca|saque|omite|omita|retira|retire|quitar"
        r"|eliminar|borrar) {t}",
        r"(?:evita|evite|evita mencionar|evita usar|evite usar|evita la palabra) {t}",
        r"nada de {t}",
        r"{t} no (?:debe|deben|debería) (?:aparecer|estar|mencionarse|salir)|que no (?:aparezca|aparezcan|salga"
        r"|salgan) {t}",
        r"deja fuera {t}|deje fuera {t}",
    ),
    keep=(
        r"(?:mantén|mantenga|conserva|conserve|deja|deje) {t}(?: como está)?",
        r"no (?:quites|quite|borres|borre|elimines|elimine|cambies|cambie|toques|toque) {t}",
    ),
    replace=(
        r"(?:sustituye|sustituya|reemplaza|reemplace|cambia|cambie) {old} por {new}",
        r"(?:escribe|escriba|di|diga|pon|ponga|usa|use) {new} en (?:vez|lugar) de {old}",
        r"no (?:es|son) {old},? (?:sino|es|son) {new}|no {old},? sino {new}",
    ),
    start=(
        r"(?:empieza|empiece|comienza|comience|inicia|inicie|empezar|comenzar)(?: la respuesta)? (?:con"
        r"|por) (?:la palabra |las palabras |la frase )?{q}",
        r"(?:la respuesta |el texto )?(?:debe|tiene que|debería) (?:empezar|comenzar) (?:con|por) {q}"
        r"|pon {q} al (?:principio|comienzo|inicio)|al principio,? (?:pon|escribe) {q}",
    ),
    end=(
        r"(?:termina|termine|acaba|acabe|finaliza|finalice|concluye|concluya|cierra)(?: la respuesta)? (?:con"
        r"|por) (?:la palabra |las palabras |la frase )?{q}",
        r"(?:la respuesta |el texto )?(?:debe|tiene que|debería) (?:terminar|acabar) (?:con|en) {q}"
        r"|pon {q} al final|al final,? (?:pon|escribe|añade) {q}",
    ),
    no_exclamation=(r"(?:sin|no uses|no use|no pongas|nada de|quita los|quita|evita los|elimina los"
    r"|no quiero) (?:signos de exclamación|exclamaciones|signos de admiración)",),
    no_emoji=(r"(?:sin|no uses|no use|no pongas|nada de|quita los|evita los|elimina los|no quiero) (?:emojis?"
    r"|emoticonos?|caritas)",),
    bullets=(
        r"no (?:has|ha) (?:hecho|usado|puesto|utilizado) (?:una |la )?(?:lista|viñetas)",
        rf"(?:{_MAKE} )?(?:{_IT} )?(?:en forma de|en|con|como|como una|en una|una) (?:lista(?: de puntos"
        rf"| con viñetas)?|viñetas|puntos)",
        r"(?:da|dame|escribe|pon|ponme) (?:la respuesta|el texto|todo|esto) (?:como|en forma de"
        r"|en) (?:una )?(?:lista|viñetas)",
        r"(?:haz|quiero|hazme|ponlo en) una lista|enumera los puntos|lista de puntos",
    ),
    numbered=(r"(?:(?:haz|quiero|ponlo|responde) )?(?:en |con |como |en forma de )?(?:una )?(?:lista numerada"
    r"|pasos numerados)|numera los (?:puntos|pasos)",),
    prose=(
        r"(?:sin|no uses|no hagas|no quiero|nada de|evita las|evita) (?:una )?(?:lista|listas|viñetas)",
        r"(?:(?:escribe|responde|redacta) )?en (?:prosa|frases completas|texto corrido)",
    ),
    language=(
        r"(?:todavía |aún |pero )?no (?:lo |la |me )?(?:has|ha) (?:escrito|respondido|contestado|redactado"
        r"|traducido)(?: (?:la respuesta|el texto))? (?:en|al) {l}",
        r"(?:por qué )?(?:todavía |aún )?no (?:está|es|estaba|viene) (?:escrito |escrita )?en {l}",
        rf"(?:{_MAKE} )?(?:{_IT} )?(?:me )?(?:en|al|a) {{l}}",
        r"(?:traduce|traduzca|tradúcelo|tradúcela|pásalo)(?: la respuesta| el texto| esto)? (?:al|a|en) {l}",
    ),
    languages={
        "inglés": "en", "español": "es", "castellano": "es", "francés": "fr", "alemán": "de",
        "italiano": "it", "portugués": "pt", "chino": "zh",
        "catalán": "ca", "ruso": "ru", "japonés": "ja", "árabe": "ar",
    },
    tone=(
        r"no (?:es|ha sido|suena) (?:muy|nada|particularmente) (?P<tone>amable|cortés|educado|educada|simpático"
        r"|amistoso|cercano)",
        rf"(?:{_MAKE}\s+)?(?:{_IT}\s+)?(?:{_MAKE}\s+)?{_HOW}(?:más )?{{w}}",
        r"(?:con|en|usa|use|utiliza|emplea|quiero) un tono (?:un poco )?(?:más )?{w}|(?:el tono (?:debe"
        r"|debería) ser )(?:más )?{w}|de (?:manera|forma) (?:más )?{w}",
        r"no (?:es )?(?:lo )?(?:bastante|suficientemente) {w}",
    ),
    too=(rf"(?:{_IT}\s+)?(?:es\s+|suena\s+)?(?:un poco |bastante )?(?:demasiado"
    rf"|muy) {{w}}", r"(?:sé |sea )?(?:menos|no tan|no seas tan|no sea tan) {w}"),
    tones={
        "amable": "friendly", "amables": "friendly", "cercano": "friendly", "cercana": "friendly",
        "simpático": "friendly", "simpática": "friendly",
        "cálido": "friendly", "cálida": "friendly", "amistoso": "friendly", "amistosa": "friendly",
        "educado": "polite", "educada": "polite",
        "cortés": "polite", "formal": "formal", "profesional": "professional", "informal": "casual",
        "relajado": "casual", "sencillo": "simple",
        "sencilla": "simple", "claro": "simple", "simple": "simple", "neutral": "neutral",
        "neutro": "neutral", "empático": "empathetic",
        "empática": "empathetic", "serio": "serious", "seria": "serious",
    },
    opposites={
        "formal": "casual", "frío": "friendly", "fría": "friendly", "seco": "friendly", "seca": "friendly",
        "informal": "formal", "coloquial": "formal",
        "técnico": "simple", "técnica": "simple", "complicado": "simple", "complicada": "simple",
        "brusco": "friendly", "rígido": "casual",
    },
    amount=(
        rf"(?:{_MAKE}\s+)?(?:{_IT}\s+)?(?:(?:en|con|de|a|que tenga|con solo)\s+)?{{n}}(?:\s+(?:bastan|basta))?",
        r"(?:limita|limite|limítalo|reduce|reduzca|acorta|acorte|recorta)(?:\s+(?:la respuesta|el texto"
        r"|lo))?\s+a\s+{n}",
    ),
    most=r"como máximo|máximo|a lo sumo|no más de|máx\.?|hasta|como mucho|no pases de|no pase de|no superes"
    r"|un máximo de|no exceda",
    below=r"menos de",
    least=r"al menos|como mínimo|mínimo|por lo menos|no menos de|mín\.?|un mínimo de",
    above=r"más de",
    exact=r"exactamente|justo",
    about=r"unas|unos|alrededor de|aproximadamente|cerca de|más o menos",
    behind_most=r"como máximo|máximo|a lo sumo|como mucho|o menos",
    behind_least=r"como mínimo|mínimo|al menos|o más",
    between=r"(?:entre |de )?(?P<low>{n})\s*(?:a|-|–|y|o)\s*(?P<high>{n})",
    numbers={
        "un": 1, "una": 1, "uno": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7,
        "ocho": 8, "nueve": 9, "diez": 10,
        "doce": 12, "quince": 15, "veinte": 20, "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60,
        "setenta": 70, "ochenta": 80, "noventa": 90, "once": 11, "cien": 100, "ciento": 100, "trescientos": 300,
        "doscientas": 200, "doscientos": 200,
    },
    units={
        "palabras": "words", "palabra": "words", "frases": "sentences", "frase": "sentences",
        "oraciones": "sentences", "oración": "sentences",
        "caracteres": "characters", "letras": "characters", "párrafos": "paragraphs", "párrafo": "paragraphs",
        "líneas": "sentences", "línea": "sentences",
    },
    chat=r"(?:bien|muy bien|perfecto|vale|ok|no|sí|está bien|genial|me gusta)",
    never_words=r"(?:no|ni|que|qué|lo|la que|es|está|yo|tú|usted|más|menos|muy|demasiado|si|cómo|por qué|dónde"
    r"|nada|todo|en|con|sin|mejor|otro|otra|"
    r"corto|largo|dos|tres|lista|viñetas|me|te|se)\b"
    r"|(?:uses|usa|use|quita|elimina|menciona|añade|agrega|borra|pon|haz|sustituye|cambia|evita)\w*\b",
)  # fmt: skip
