"""The course of an evaluation: every question, dialogue, comment and correction of a set put to the product."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from research.eval.service.product import Product, Record
from research.eval.service.sets import Item, ServiceSet

COMMENTS = (
    "That does not answer my question.",
    "Please look it up again and say only what your documents say.",
    "Answer with the exact words or numbers, or say that you do not know.",
)
"""What a person says who is not satisfied and does not know the answer either, round by round."""


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

    def rounds(self, questions: Sequence[Record], is_satisfied: Callable[[Record], bool]) -> list[Record]:
        """Comment on every reply that does not satisfy, until a revision does or the comments have ended.

        The question's record gets `satisfied_in`, the number of rounds it took, where one did.
        """
        records: list[Record] = []
        waiting = list(questions)
        for number, comment in enumerate(COMMENTS, 1):
            waiting = [record for record in waiting if not is_satisfied(record)]

            def revise(record: Record, number: int = number, comment: str = comment) -> Record:
                revised = self._product.revise(record["turn"], comment).record()
                answer = {key: record[key] for key in ("id", "question")} | revised
                return {**answer, "round": number, "comment": comment, "before": record["reply"]}

            answers = self._each("rounds", waiting, revise)
            records += answers
            waiting = answers
        by_id = {record["id"]: record for record in questions}
        for record in records:
            if is_satisfied(record):
                by_id[record["id"]]["satisfied_in"] = record["round"]
        return records

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
        asked = self._product.ask(item["question"])
        self._product.put_reply(asked.turn_id, item["reply"])
        revised = self._product.revise(asked.turn_id, item["comment"])
        return {"id": item["id"], "before": item["reply"], "comment": item["comment"], **revised.record()}

    def _live(self, item: Item) -> Record:
        asked = self._product.ask(item["question"])
        revised = self._product.revise(asked.turn_id, item["comment"])
        return {"id": item["id"], "before": asked.text, "comment": item["comment"], **revised.record()}
