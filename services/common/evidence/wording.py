"""What a composed reply says in its own words, by language; what it quotes stays in the document's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """`unknown` declines, `handoff` offers a human, `part_unknown` declines one of several questions, `conclusion`
    leads to what a comparison comes to ({name}), `conditions` leads to answers of which the condition decides."""

    unknown: str
    handoff: str
    part_unknown: str
    conclusion: str
    equal: str
    conditions: str
    yes: str
    no: str
    greeting: str
    thanks: str
    bye: str
    space: str = " "


WORDINGS = {
    "en": Wording(
        unknown="I'm sorry, I don't know that.",
        handoff="Shall I put you through to a colleague?",
        part_unknown="I don't know the answer to “{question}”.",
        conclusion="So it is {name}.",
        equal="So there is no difference.",
        conditions="That depends:",
        yes="Yes.",
        no="No.",
        greeting="Hello! How can I help you?",
        thanks="You're welcome! Is there anything else I can help you with?",
        bye="Goodbye!",
    ),
    "de": Wording(
        unknown="Das weiß ich leider nicht.",
        handoff="Soll ich Sie mit einer Kollegin oder einem Kollegen verbinden?",
        part_unknown="Auf „{question}“ weiß ich keine Antwort.",
        conclusion="Also ist es {name}.",
        equal="Also gibt es keinen Unterschied.",
        conditions="Das kommt darauf an:",
        yes="Ja.",
        no="Nein.",
        greeting="Guten Tag! Wie kann ich helfen?",
        thanks="Gern geschehen! Kann ich sonst noch helfen?",
        bye="Auf Wiedersehen!",
    ),
    "fr": Wording(
        unknown="Désolé, je ne sais pas.",
        handoff="Voulez-vous que je vous mette en relation avec un collègue ?",
        part_unknown="Je ne connais pas la réponse à « {question} ».",
        conclusion="C'est donc {name}.",
        equal="Il n'y a donc pas de différence.",
        conditions="Cela dépend :",
        yes="Oui.",
        no="Non.",
        greeting="Bonjour ! Comment puis-je vous aider ?",
        thanks="Je vous en prie ! Puis-je encore vous aider ?",
        bye="Au revoir !",
    ),
    "es": Wording(
        unknown="Lo siento, no lo sé.",
        handoff="¿Quiere que le ponga en contacto con un compañero?",
        part_unknown="No sé la respuesta a «{question}».",
        conclusion="Así que es {name}.",
        equal="Así que no hay diferencia.",
        conditions="Depende:",
        yes="Sí.",
        no="No.",
        greeting="¡Hola! ¿En qué puedo ayudarle?",
        thanks="¡De nada! ¿Puedo ayudarle en algo más?",
        bye="¡Hasta luego!",
    ),
    "zh": Wording(
        unknown="抱歉，这个我不知道。",
        handoff="需要我为您转接人工客服吗？",
        part_unknown="“{question}”我不知道。",
        conclusion="所以是{name}。",
        equal="所以没有区别。",
        conditions="这取决于具体情况：",
        yes="是的。",
        no="不是。",
        greeting="您好！请问有什么可以帮您？",
        thanks="不客气！还有什么可以帮您？",
        bye="再见！",
        space="",
    ),
}


def wording(language: str) -> Wording:
    """The wording of a language, English where there is none."""
    return WORDINGS.get(language, WORDINGS["en"])
