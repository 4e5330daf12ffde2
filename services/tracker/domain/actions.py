"""What a Chinese message wishes to be done: the verb that tells which service and which intent it is about.

Chinese verbs are mostly one character long ("想买台冰箱", "那个我要退"), so that pairs of characters miss them. Each
action has the characters that name it in a schema and in a message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice

from services.common.schema import Service
from services.tracker.domain.han_numbers import MEASURES
from services.tracker.domain.words import HAN

_ACTIONS: Mapping[str, re.Pattern[str]] = {
    action: re.compile(words)
    for action, words in {
        "buy": "[买购]|下单",
        "repair": "修",
        "return": "退",
        "book": "[订约]|预定|挂号",
        "rent": "租",
        "borrow": "借(?!口)",
        "send": "寄",
        "cancel": "取消|撤销",
        "open": "开(?:户|通|卡)|办",
        "transfer": "转账|汇款?",
        "enrol": "报(?:名|班)|选课",
        "complain": "投诉",
        "pay": "[缴交]费|缴|(?<![提转外社成上])交(?![通付给代易流换往接])|充值",
    }.items()
}
_WISHED = re.compile(
    r"(?<![不没别])(?:想|要|再|先|帮我|帮忙|给我|替我|帮|我们?|来|另外|还|直接|打算|准备|需要|希望|去|麻烦|请"
    r"|(?:^|(?<=[，。！？；,\s])))(?P<between>(?:(?![不没别])[\u4e00-\u9fff]){0,3}?)"
    r"(?P<verb>买|购|下单|修|退|订|约|预定|挂号|租|借|寄|取消|撤销|开户|开通|开卡|办|转账|汇|报名|报班|选课|投诉|缴|交费|交(?=[\u4e00-\u9fff]{0,3}费)|充值)"
    r"(?![的过了错到来回])"
)
_AMOUNT = re.compile(
    rf"(?<![以出起原本未从])[来要拿带加] ?(?:\d{{1,4}}|[一二两三四五六七八九十]{{1,3}}) ?[{MEASURES}](?![点间])"
)
"""Asks for an amount of something."""


_REFERS = re.compile(r"(?P<what>[\u4e00-\u9fff]{1,4}?)的?那(?:个|单|件|份|次|边|头)(?=[，,。 \u4e00-\u9fff]|$)")


def referred_back(services: tuple[Service, ...], text: str) -> frozenset[str]:
    """The service that a Chinese message goes back to by a word of its name ("寄的那个，改成后天", "搬家那单").

    `services` are those that the dialogue was about; where several have the word, none is meant.
    """
    if len(services) < 2:
        return frozenset()
    for match in islice(_REFERS.finditer(text), 4):
        having = [service.name for service in services if match["what"] in f"{service.name} {_intents_of(service)}"]
        if len(having) == 1:
            return frozenset(having)
    return frozenset()


def split_verb(service: Service, text: str) -> bool:
    """Whether the message has the service's name of two characters with something between them ("搬个家", "送来装")."""
    name = service.name
    if len(name) != 2 or not HAN.fullmatch(name[0]) or not HAN.fullmatch(name[1]):
        return False
    return re.search(rf"{name[0]}[\u4e00-\u9fff]{{1,3}}{name[1]}(?![修车])", text) is not None


def _intents_of(service: Service) -> str:
    return " ".join(intent.name for intent in service.intents)


def wished_services(services: tuple[Service, ...], text: str, current: str | None) -> frozenset[str]:
    """The services whose action the message wishes; where it only asks for an amount, the one that sells.

    An amount belongs to the `current` service where that counts something.
    """
    owners = _owners(services)
    wished = {owners[action] for action in _wished_actions(text) if action in owners}
    if not wished and _AMOUNT.search(text):
        counting = {service.name for service in services if any(slot.kind == "number" for slot in service.slots)}
        if current in counting:
            return frozenset()
        wished = counting & {owners[action] for action in ("buy", "book") if action in owners}
    return frozenset(wished)


def wished_intents(service: Service, text: str) -> frozenset[str]:
    """The service's intents whose action the message wishes; its only intent where the service's own is wished."""
    texts = {intent.name: (intent.name, intent.description) for intent in service.intents}
    if len(texts) == 1:
        texts = {name: (f"{service.name} {name}", f"{service.description} {words[1]}") for name, words in texts.items()}
    owners = _owners_of(texts)
    return frozenset(owners[action] for action in _wished_actions(text) if action in owners)


def _wished_actions(text: str) -> set[str]:
    verbs = {match["verb"] for match in _WISHED.finditer(text)}
    return {action for action, pattern in _ACTIONS.items() if any(pattern.fullmatch(verb) for verb in verbs)}


@lru_cache(maxsize=1024)
def _owners(services: tuple[Service, ...]) -> dict[str, str]:
    """The service that alone stands for an action."""
    return _owners_of(
        {
            service.name: (
                " ".join([service.name, *(intent.name for intent in service.intents)]),
                " ".join([service.description, *(intent.description for intent in service.intents)]),
            )
            for service in services
        }
    )


def _owners_of(texts: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Who alone has an action in its name, or where nobody has, in its description; `texts` hold both."""
    owners = {}
    for action, pattern in _ACTIONS.items():
        for part in (0, 1):
            having = [name for name, words in texts.items() if pattern.search(words[part])]
            if len(having) == 1:
                owners[action] = having[0]
            if having:
                break
    return owners
