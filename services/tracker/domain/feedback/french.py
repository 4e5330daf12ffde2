"""The words of French comments."""

from __future__ import annotations

from services.tracker.domain.feedback.european import Grammar

_IT = r"(?:le|la|les|ça|cela|ce texte|le texte|la réponse|ta réponse|votre réponse|c'est|c'était|tout)"
_MAKE = (
    r"(?:fais|faites|rends-la|ecris|ecrivez|rends-le|rendez-la|rendez-le|écris|écrivez|réponds|répondez|sois|soyez"
    r"|fais-la"
    r"|fais-le|reformule|reformulez|"
    r"je veux|je voudrais|j'aimerais|peux-tu|pouvez-vous|pourrais-tu|pourriez-vous|il faut|ce serait bien|mets"
    r"|mettez|utilise|utilisez|"
    r"adopte|adoptez|faire|être|une réponse|une version|un texte|un ton)"
)
_NAME = (
    r"(?:mentionne|mentionner|mentionnez|ajoute|ajouter|ajoutez|indique|indiquer|indiquez|précise|préciser"
    r"|précisez|inclus|incluez|inclure|donne|donnez|"
    r"rappelle|rappelez|cite|citez|parle de|parlez de|écris|mets|mettez|utilise le mot|dis|dites)"
)
_HOW = r"(?:(?:un peu|beaucoup|bien|nettement|encore|un petit peu|légèrement|plutôt|juste|simplement)\s+)*"
_AT = r"(?:\s+(?:aussi|également|quelque part|dans la réponse|dans le texte))?"

FRENCH = Grammar(
    code="fr",
    and_="et|ou|ainsi que",
    splits=r"et(?=\s+(?:mentionn|ajout|indiqu|précis|inclu|enlèv|supprim|retir|répond|écri|soi|soy|commenc|termin"
    r"|fini|sans|avec|fais|mets|n'oubli|"
    r"ne|en|sous|un (?:petit )?peu|beaucoup|nettement|légèrement"
    r"|au maximum|maximum|plus|pas|utilis|évit))|mais|puis|ensuite|par contre",
    polite=r"s'il (?:te|vous) plaît|s'il (?:te|vous) plait|svp|stp|merci(?: beaucoup)?|bonjour|de grâce",
    fillers=r"et|mais|puis|alors|donc|aussi|non|oui|encore",
    articles="le|la|les|un|une|des|du|de la|de|au|aux|aussi|également|notre|nos|votre|vos|mot|le mot|les mots"
    "|terme|le terme|expression",
    word_of="le mot|les mots|le terme|l'expression",
    shorter=(
        r"(?:(?:ce n'est|c'est|la réponse n'est|le texte n'est|ce n'était) )?(?:toujours "
        r"|encore )?pas (?:encore )?assez (?:court|courte|bref|brève|concis|concise)",
        r"je n'aime pas que (?:ce soit|c'est|la réponse soit|le texte soit) (?:si|aussi|trop) (?:long|longue)",
        r"(?:tu n'as|vous n'avez) pas (?:été|fait) (?:bref|brève|concis|concise|court)",
        r"(?:tu ne l'as|vous ne l'avez) pas (?:raccourcie?|abrégée?|résumée?)",
        rf"(?:{_MAKE}\s+)?(?:{_IT}\s+)?(?:{_MAKE}\s+)?{_HOW}plus (?:court|courte|bref|brève|concis|concise"
        rf"|succinct|succincte|brièvement)",
        r"pas (?:si|aussi) (?:long|longue|bavard|détaillé|détaillée)",
        rf"(?:{_IT}\s+)?(?:est\s+)?{_HOW}(?:trop|beaucoup trop) (?:long|longue|verbeux|verbeuse|bavard|détaillé"
        rf"|détaillée)",
        r"(?:raccourcis|raccourcissez|raccourcir|abrège|abrégez|résume|résumez|condense|condensez)(?:-(?:la"
        r"|le))?(?:\s+(?:la réponse|le texte|ça|tout|un peu|ta réponse|votre réponse))*",
        r"(?:sois|soyez) (?:bref|brève|concis|concise)|en bref|va droit au but|allez droit au but|moins de texte"
        r"|moins long|moins longue|fais court|faites court|"
        r"juste l'essentiel|l'essentiel seulement",
    ),
    longer=(
        r"(?:(?:ce n'est|c'est|la réponse n'est|le texte n'est|ce n'était) )?(?:toujours "
        r"|encore )?pas (?:encore )?assez (?:long|longue|détaillé|détaillée|complet|complète)",
        r"je n'aime pas que (?:ce soit|c'est|la réponse soit|le texte soit) (?:si|aussi|trop) (?:court|courte"
        r"|bref|brève)",
        rf"(?:{_MAKE}\s+)?(?:{_IT}\s+)?(?:{_MAKE}\s+)?{_HOW}plus (?:long|longue|détaillé|détaillée|complet"
        rf"|complète|développé|développée)",
        rf"(?:{_IT}\s+)?(?:est\s+)?{_HOW}(?:trop|beaucoup trop) (?:court|courte|bref|brève|succinct)",
        r"(?:donne|donnez|ajoute|ajoutez|je veux|j'aimerais)?(?:-moi)?\s*(?:plus|davantage) de (?:détails"
        r"|précisions|informations)",
        r"(?:développe|développez|détaille|détaillez)(?:-(?:la|le))?(?:\s+(?:la réponse|un peu|davantage|plus"
        r"|ta réponse|votre réponse))*",
    ),
    much=r"\b(?:beaucoup|bien|nettement)\b",
    little=r"\b(?:un peu|légèrement)\b",
    include=(
        rf"{_NAME}\s+{{t}}{_AT}",
        r"n'oublie(?:z)? pas (?:de mentionner |d'indiquer |d'ajouter |de préciser )?{t}",
        r"il manque {t}|{t} manque(?:nt)?|(?:tu as|vous avez) oublié {t}",
        r"{t} (?:doit|doivent|devrait|devraient) (?:être (?:mentionnée?s?|indiquée?s?|précisée?s?)|apparaître"
        r"|figurer)",
        r"avec (?:le mot )?{t}",
        r"(?:et|où est|où sont) {t}(?: alors)?",
        r"(?:je veux|je voudrais|j'aimerais) (?:voir|lire) {t}",
    ),
    exclude=(
        r"sans (?:mentionner |parler (?:de |du |des |d')|dire |citer |indiquer |donner |évoquer |nommer |préciser"
        r" |rappeler |le mot )?{t}",
        r"ne (?:mentionne|mentionnez|cite|citez|donne|donnez|dis|dites|parle|parlez|mets|mettez|utilise|utilisez"
        r"|écris) (?:pas|plus|jamais) (?:de |d')?{t}",
        r"n'(?:indique|indiquez|utilise|utilisez|inclus|incluez|ajoute|écris|écrivez) (?:pas|plus|jamais) {t}",
        r"ne (?:pas|plus|jamais) (?:mentionner|indiquer|utiliser|dire|citer|parler de) {t}",
        r"(?:enlève|enlevez|supprime|supprimez|retire|retirez|ôte|efface|effacez|élimine|éliminez|enlever"
        r"|supprimer|retirer) {t}",
        r"(?:évite|évitez|évite de mentionner|évitez de mentionner|évite le mot|évitez le mot) {t}",
        r"(?:pas|plus) de {t}|pas d'{t}",
        r"{t} ne (?:doit|doivent) (?:pas|plus) (?:apparaître|figurer|être mentionnée?s?)",
        r"(?:laisse|laissez) tomber {t}",
    ),
    keep=(
        r"(?:garde|gardez|conserve|conservez|laisse|laissez) {t}",
        r"(?:ne|n')\s?(?:supprime|supprimez|enlève|enlevez|retire|retirez|change|changez|efface|effacez|touche"
        r"|touchez) pas (?:à )?{t}",
    ),
    replace=(
        r"(?:remplace|remplacez|remplacer) {old} par {new}",
        r"(?:écris|écrivez|dis|dites|mets|mettez|utilise|utilisez) {new} (?:au lieu de|à la place de"
        r"|plutôt que) {old}",
        r"(?:ce n'est )?pas {old},? (?:mais|c'est) {new}",
        r"(?:change|changez) {old} en {new}",
    ),
    start=(
        r"(?:commence|commencez|commencer|débute|débutez)(?: la réponse)? (?:par|avec) (?:le mot |les mots "
        r"|la phrase )?{q}",
        r"(?:la réponse |le texte )?(?:doit|devrait) commencer par {q}|mets {q} au début|au début,? (?:mets"
        r"|écris) {q}",
    ),
    end=(
        r"(?:termine|terminez|terminer|finis|finissez|conclus|concluez|achève|achevez)(?: la réponse)? (?:par"
        r"|avec) (?:le mot |les mots |la phrase )?{q}",
        r"(?:la réponse |le texte )?(?:doit|devrait) (?:se terminer|finir) par {q}|mets {q} à la fin"
        r"|à la fin,? (?:mets|écris|ajoute) {q}",
    ),
    no_exclamation=(
        r"(?:sans|pas de|plus de|n'utilise pas de|n'utilisez pas de|évite les|évitez les|enlève les|supprime les"
        r"|retire les) points? d'exclamation",
    ),
    no_emoji=(r"(?:sans|pas d'|plus d'|n'utilise pas d'|évite les |enlève les |supprime les )\s?(?:émojis?|emojis?"
    r"|émoticônes?|smileys?)",),
    bullets=(
        r"(?:tu n'as|vous n'avez) pas (?:fait|utilisé|mis) (?:de|une|des) (?:liste|puces|tirets)",
        rf"(?:{_MAKE} )?(?:{_IT} )?(?:sous forme de|en|avec des|comme une|une|à"
        rf"|sous la forme d'une) ?(?:liste(?: à puces)?|puces|tirets|points)",
        r"(?:donne|donnez|présente|présentez|écris|écrivez) (?:moi )?(?:la réponse|le texte|tout|ça"
        r"|cela) (?:sous (?:la )?forme"
        r" (?:de|d'une) |en )liste",
        r"(?:fais|faites|je veux|mets)(?: moi| tout)? (?:en )?(?:une )?liste(?: à puces)?|liste (?:les points"
        r"|à puces)",
    ),
    numbered=(r"(?:(?:fais|faites|je veux|réponds) )?(?:sous forme de |en |avec une |une )?(?:liste numérotée"
    r"|étapes numérotées)|numérote(?:z)? (?:les points|les étapes)",),
    prose=(
        r"(?:sans|pas de|plus de|n'utilise pas de|évite les) (?:liste|listes|puces|tirets)",
        r"(?:(?:écris|réponds|rédige) )?en (?:prose|phrases complètes|texte continu)",
    ),
    language=(
        r"(?:tu ne l'as|tu n'as|vous ne l'avez|vous n'avez) (?:toujours |encore )?pas (?:écrit|écrite|répondu"
        r"|rédigé|rédigée|traduit|traduite|formulé)(?: (?:la réponse|le texte|cela|ça))? en {l}",
        r"(?:ce n'est|c'est|la réponse n'est|le texte n'est|ce n'était) (?:toujours |encore )?pas (?:écrit "
        r"|écrite |rédigé |rédigée )?en {l}",
        r"pourquoi (?:n'est-ce|ce n'est|n'as-tu|n'avez-vous) pas (?:écrit |répondu |rédigé )?en {l}",
        rf"(?:{_MAKE} )?(?:{_IT} )?(?:moi )?(?:en|dans la langue) {{l}}",
        r"(?:traduis|traduisez|traduire)(?:-(?:la|le|moi))?(?: la réponse| le texte| ça| cela)? en {l}",
    ),
    languages={
        "anglais": "en", "français": "fr", "allemand": "de", "espagnol": "es", "italien": "it",
        "portugais": "pt", "chinois": "zh",
        "néerlandais": "nl", "arabe": "ar", "russe": "ru", "japonais": "ja", "polonais": "pl",
    },
    tone=(
        r"(?:(?:ce n'est|c'est|la réponse n'est|le ton n'est) )?pas assez {w}",
        r"(?:ce n'est|la réponse n'est|le ton n'est|tu n'es|vous n'êtes|ce n'était) pas (?:très|vraiment"
        r"|particulièrement) (?P<tone>poli|polie|amical|amicale|gentil|gentille|courtois|courtoise|aimable|chaleureux)",
        rf"(?:{_MAKE}\s+)?(?:{_IT}\s+)?(?:{_MAKE}\s+)?{_HOW}(?:plus )?{{w}}",
        r"(?:sur|avec|d'|dans) ?un ton (?:un peu )?(?:plus )?{w}|(?:le ton (?:doit|devrait) être )(?:plus )?{w}"
        r"|(?:d'une |de )manière (?:plus )?{w}",
        r"pas assez {w}",
    ),
    too=(rf"(?:{_IT}\s+)?(?:est\s+|sonne\s+)?(?:un peu "
    rf"|beaucoup )?trop {{w}}", r"(?:sois |soyez )?(?:moins|pas si|pas trop|pas aussi) {w}"),
    tones={
        "amical": "friendly", "amicale": "friendly", "chaleureux": "friendly", "chaleureuse": "friendly",
        "gentil": "friendly",
        "gentille": "friendly", "sympathique": "friendly", "aimable": "friendly", "poli": "polite",
        "polie": "polite", "courtois": "polite",
        "courtoise": "polite", "formel": "formal", "formelle": "formal", "professionnel": "professional",
        "professionnelle": "professional",
        "décontracté": "casual", "décontractée": "casual", "simple": "simple", "clair": "simple",
        "neutre": "neutral", "empathique": "empathetic",
        "sérieux": "serious", "sérieuse": "serious",
    },
    opposites={
        "formel": "casual", "formelle": "casual", "froid": "friendly", "froide": "friendly",
        "sec": "friendly", "sèche": "friendly", "familier": "formal",
        "familière": "formal", "technique": "simple", "compliqué": "simple", "compliquée": "simple",
        "impersonnel": "friendly",
        "impersonnelle": "friendly", "rigide": "casual",
    },
    amount=(
        rf"(?:{_MAKE}\s+)?(?:{_IT}\s+)?(?:(?:en|dans|avec|de|fait|à)\s+)?{{n}}(?:\s+(?:de long|suffisent|suffit))?",
        r"(?:limite|limitez|réduis|réduisez|raccourcis|raccourcissez)(?:-(?:la|le|toi))?(?:\s+(?:la réponse"
        r"|le texte|ça))?\s+à\s+{n}",
    ),
    most=r"au maximum|maximum|au plus|pas plus de|max\.?|jusqu'à|tout au plus|ne dépasse pas|ne dépassez pas"
    r"|ne pas dépasser",
    below=r"moins de|en moins de|sous",
    least=r"au moins|au minimum|minimum|pas moins de|min\.?",
    above=r"plus de|au-delà de",
    exact=r"exactement|précisément",
    about=r"environ|à peu près|autour de",
    behind_most=r"au maximum|maximum|au plus|max|tout au plus|ou moins",
    behind_least=r"au minimum|minimum|au moins|ou plus",
    between=r"(?:entre |de )?(?P<low>{n})\s*(?:à|-|–|et|ou)\s*(?P<high>{n})",
    numbers={
        "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8,
        "neuf": 9, "dix": 10,
        "douze": 12, "quinze": 15, "vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60,
        "quatre-vingts": 80, "cent": 100,
        "soixante-dix": 70, "quatre-vingt-dix": 90, "onze": 11, "cents": 100,
    },
    units={
        "mots": "words", "mot": "words", "phrases": "sentences", "phrase": "sentences",
        "caractères": "characters", "caractère": "characters",
        "signes": "characters", "paragraphes": "paragraphs", "paragraphe": "paragraphs",
        "lignes": "sentences", "ligne": "sentences",
    },
    chat=r"(?:bien|très bien|parfait|d'accord|ok|super|non|oui|c'est bien|pas mal|ça me plaît)",
    never_words=r"(?:ne|n'|pas|plus|moins|que|qui|ce|cela|ça|il|elle|je|tu|vous|nous|trop|si|comment|pourquoi|où"
    r"|quoi|rien|tout|en|sur|sous|avec|sans|"
    r"mieux|autre|court|long|s'il|toi|moi|deux|trois|liste|puces)\b"
    r"|(?:mentionne|ajoute|enlève|supprime|retire|utilise|remplace|fais|écris|garde)\w*\b",
)  # fmt: skip
