"""The course of an evaluation: every question, dialogue, comment and correction of a set put to the product."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from antiphon.v1.common_pb2 import DecodingSettings

from research.eval.service.product import Product, Record
from research.eval.service.sets import Item, ServiceSet

T = TypeVar("T")
_ONE_TOKEN = DecodingSettings(max_tokens=1)


class Asking:
    """Puts a set's items to a product, some at once, and keeps the raw records."""

    def __init__(self, product: Product, subject: ServiceSet, at_once: int, show: Callable[[str], None]) -> None:
        self._product = product
        self._subject = subject
        self._at_once = at_once
        self._show = show

    def _each(self, what: str, items: Iterable[Item], ask: Callable[[Item], Record]) -> list[Record]:
        chosen = list(items)
        with ThreadPoolExecutor(self._at_once) as pool:
            records = list(pool.map(lambda item: {"set": self._subject.name, "kind": what, **ask(item)}, chosen))
        if chosen:
            self._show(f"{self._subject.name}: {len(chosen)} {what}")
        return records

    def questions(self) -> list[Record]:
        """Each in a session of its own."""
        return self._each(
            "questions", self._subject.questions, lambda item: {"id": item["id"], **self._ask(item["question"])}
        )

    def dialogues(self) -> list[Record]:
        """Turn by turn, with the state after each."""
        return self._each("dialogues", self._subject.dialogues, self._dialogue)

    def feedback(self) -> list[Record]:
        """Each comment on the given reply, and once more on the product's own."""
        return self._each("feedback", self._subject.feedback, self._given) + self._each(
            "live feedback", self._subject.feedback, self._live
        )

    def paraphrases(self, stage: str) -> list[Record]:
        """The corrected questions and their paraphrases (`before`), with the neighbours too (`after`)."""
        items = []
        for item in self._subject.corrections:
            texts = {"q": item["question"]} | {f"p{n}": text for n, text in enumerate(item["paraphrases"], 1)}
            if stage == "after":
                texts |= {f"n{n}": neighbour["question"] for n, neighbour in enumerate(item["neighbours"], 1)}
            items += [{"id": f"{item['id']}/{part}", "question": text} for part, text in texts.items()]
        return self._each(f"corrections {stage}", items, lambda item: {"id": item["id"], **self._ask(item["question"])})

    def _ask(self, question: str) -> Record:
        return {"question": question, **self._product.ask(question).record()}

    def _dialogue(self, item: Item) -> Record:
        session = self._product.session()
        turns = []
        for turn in item["turns"]:
            reply = self._product.ask(turn["user"], session)
            turns.append({"user": turn["user"], **reply.record(), "state": self._product.state(session)})
        return {"id": item["id"], "turns": turns}

    def _given(self, item: Item) -> Record:
        asked = self._product.ask(item["question"], settings=_ONE_TOKEN)
        self._product.put_reply(asked.turn_id, item["reply"])
        revised = self._product.revise(asked.turn_id, item["comment"])
        return {"id": item["id"], "before": item["reply"], "comment": item["comment"], **revised.record()}

    def _live(self, item: Item) -> Record:
        asked = self._product.ask(item["question"])
        revised = self._product.revise(asked.turn_id, item["comment"])
        return {"id": item["id"], "before": asked.text, "comment": item["comment"], **revised.record()}
