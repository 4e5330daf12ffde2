"""The commonest words of languages in Latin letters, which "
"tell short texts apart where letters alone do not."""

from __future__ import annotations

FUNCTION_WORDS = {
    "en": (
        "the of and to is that it was for with are this be on have not you as at by they from which or "
        "but his she we will would there their can your what has more one all about if when who an been "
        "were its in a i my out do does only than then our us open please"
    ),
    "de": (
        "der die das und ist nicht ich sie es ein eine zu mit auf für von dem den sich auch wie wird sind "
        "bei aus in wir uns unser ab bis nach einen einer oder "
        "wenn über kann durch werden haben hat im zum zur als noch nur"
    ),
    "fr": (
        "le la les et est une des du que qui dans pour pas sur en de "
        "à votre vos notre sont ouvert avec au sont par plus ce cette il elle "
        "nous vous mais ou aux leur ses comme être été fait aussi ils je ne se l d"
    ),
    "es": (
        "el la los las y es una un de nos su del que en por "
        "para con no se su al lo como más pero sus este esta son "
        "también fue hay está cuando muy sin sobre ser todo desde porque entre"
    ),
    "it": (
        "il la gli e è una di che per non con sono del della nel alla si anche come più ma dei delle "
        "questo questa da al un lo le ha essere stato quando molto tra dalla sul"
    ),
    "pt": (
        "o a os as e é uma do da que em para com não se por mais dos das como mas ao foi são também na no "
        "seu sua pelo pela isso este esta você muito quando ou ser tem à"
    ),
    "nl": (
        "de het een en van is dat niet in op te zijn met voor aan er ook als maar bij door naar om uit "
        "wordt worden deze dit heeft hebben kan ik je zij hij of nog wel meer"
    ),
    "sv": (
        "och att det som en är på för av med den till inte har om ett men var jag de så kan från vi eller "
        "när detta också vid efter"
    ),
    "da": (
        "og at det som en er på for af med den til ikke har om et men var jeg de så kan fra vi eller når "
        "dette også ved efter blev"
    ),
    "nb": (
        "og at det som en er på for av med den til ikke har om et men var jeg de så kan fra vi eller når "
        "dette også ved etter ble"
    ),
    "fi": (
        "ja on ei että se oli hän mutta kun ovat tai myös joka niin kuin sekä ole vain voi sen jos mitä tämä nyt sitten"
    ),
    "pl": (
        "i w na się nie że jest do z to jak o co po ale za od są przez tym dla jego tak już lub które "
        "który może być także oraz"
    ),
    "cs": (
        "a v na se že je do s to jak o co po ale za od jsou tím pro jeho tak už nebo které který může být také jako při"
    ),
    "tr": ("ve bir bu için ile de da çok olarak daha gibi en ne ama olan kadar sonra var değil ben o mi ki her şey"),
    "vi": "và của là có không được cho một trong người với này các đã để những khi đến về như tôi bạn nhiều",
    "id": (
        "yang dan di itu dengan untuk tidak ini dari dalam adalah pada akan juga ke bisa ada mereka saya "
        "atau oleh sebagai karena kami anda"
    ),
    "ro": ("și de la în a nu este că o cu pe să un mai din pentru care sunt ca se dar fost sau această foarte"),
    "hu": "a az és hogy nem egy is van ez de meg volt csak el mint már ha vagy még ki lehet minden",
    "sw": "ya na wa kwa ni katika la za kuwa hii cha au kama hiyo lakini yake watu pia hivyo",
}
