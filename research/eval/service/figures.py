"""From raw records to figures."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from research.eval.service.product import Record
from research.eval.service.requirements import unmet
from research.eval.service.sets import Item, ServiceSet
from research.eval.service.values import Sources, numbers
from services.cli.evaluation.declining import declines
from services.cli.evaluation.matching import any_stands_in, is_right, normal

NEAR = ("near-property", "near-entity")
Figures = dict[str, float]
Tally = Counter[str]


def judge_questions(subject: ServiceSet, records: Iterable[Record]) -> None:
    """Write into each record what became of it: right, wrong or declined."""
    questions = {item["id"]: item for item in subject.questions}
    for record in records:
        question = questions[record["id"]]
        record["asked"] = question["kind"]
        declined = declines(record["reply"], question["question"])
        if question.get("unanswerable"):
            record["verdict"] = "declined" if declined else "answered"
        elif is_right(question, record["reply"]):
            record["verdict"] = "right"
        else:
            record["verdict"] = "declined" if declined else "wrong"


def is_satisfied(subject: ServiceSet, record: Record) -> bool:
    """Whether the record's reply is right, or rightly declines; judges it."""
    judge_questions(subject, [record])
    return satisfied(record)


def satisfied(record: Record) -> bool:
    """Whether the judged reply is right, or rightly declines."""
    return bool(record["verdict"] == ("declined" if _unanswerable(record) else "right"))


def question_figures(records: Sequence[Record]) -> Figures:
    """Shares of answerable and unanswerable questions; `changed` ones are among the answerable and apart."""
    answerable = [record for record in records if record["verdict"] in ("right", "wrong")]
    answerable += [record for record in records if record["verdict"] == "declined" and not _unanswerable(record)]
    others = [record for record in records if _unanswerable(record)]
    near = [record for record in others if record["asked"] in NEAR]
    changed = [record for record in answerable if record["asked"] == "changed"]
    return {
        "answerable_right": _share(record["verdict"] == "right" for record in answerable),
        "answerable_wrong": _share(record["verdict"] == "wrong" for record in answerable),
        "answerable_declined": _share(record["verdict"] == "declined" for record in answerable),
        "changed_right": _share(record["verdict"] == "right" for record in changed),
        "unanswerable_declined": _share(record["verdict"] == "declined" for record in others),
        "near_miss_declined": _share(record["verdict"] == "declined" for record in near),
        "questions": len(answerable) + len(others),
    }


def _unanswerable(record: Record) -> bool:
    return record["asked"] in (*NEAR, "outside")


def by_kind(records: Sequence[Record]) -> dict[str, Tally]:
    """Kind of question to how many of its replies were right, wrong, declined."""
    table: dict[str, Tally] = {}
    for record in records:
        table.setdefault(record["asked"], Counter())[record["verdict"]] += 1
    return table


def judge_values(subject: ServiceSet, records: Iterable[Record]) -> None:
    """Write into each record (each turn of a dialogue) the values that have no source."""
    sources = Sources([passage.labelled() for passage in subject.passages()] + [subject.schema])
    for record in records:
        if "turns" in record:
            said: list[str] = []
            for turn in record["turns"]:
                said.append(turn["user"])
                turn["unsupported"] = sources.with_words(said).unsupported(turn["reply"])
        else:
            said = [record.get(name, "") for name in ("question", "before", "comment")]
            record["unsupported"] = sources.with_words(said).unsupported(record["reply"])


def value_figures(records: Iterable[Record]) -> Figures:
    """Values without a source in all replies, by kind."""
    lists = [
        turn["unsupported"] for record in records for turn in record.get("turns", [record]) if "unsupported" in turn
    ]
    kinds = Counter(value.partition(":")[0] for values in lists for value in values)
    return {
        "unsupported_values": sum(kinds.values()),
        **{f"unsupported_{kind}s": count for kind, count in sorted(kinds.items())},
        "replies_with_unsupported_values": sum(bool(values) for values in lists),
        "replies": len(lists),
    }


def state_figures(subject: ServiceSet, records: Iterable[Record]) -> Tally:
    """Counts: wanted and right values, invented ones (filled and not what the user wants), turns and right states."""
    dialogues = {item["id"]: item for item in subject.dialogues}
    tally: Tally = Counter()
    for record in records:
        item = dialogues[record["id"]]
        for turn, answer in zip(item["turns"], record["turns"], strict=True):
            gold, state = turn["state"], answer["state"]
            good = {key for key in gold if _same_value(item, key, gold[key], state.get(key, ""))}
            tally["wanted"] += len(gold)
            tally["right"] += len(good)
            tally["invented"] += sum(key not in good for key in state)
            tally["turns"] += 1
            tally["states_right"] += len(good) == len(gold) and set(state) == set(gold)
    return tally


def _same_value(item: Item, key: str, gold: str, value: str) -> bool:
    accepted = [gold, *item.get("accept", {}).get(key, {}).get(gold, [])]
    return normal(value) in [normal(choice) for choice in accepted]


def feedback_met(subject: ServiceSet, records: Iterable[Record]) -> Tally:
    """Comments, and those whose revision meets every constraint; writes `unmet` into each record."""
    comments = {item["id"]: item for item in subject.feedback}
    tally: Tally = Counter()
    for record in records:
        record["unmet"] = unmet(comments[record["id"]]["constraints"], record["reply"], record["before"])
        tally["comments"] += 1
        tally["met"] += not record["unmet"]
    return tally


def correction_figures(subject: ServiceSet, records: Iterable[Record]) -> dict[str, Tally]:
    """Corrected questions, paraphrases and neighbours (q, p, n): asked and right."""
    corrections = {item["id"]: item for item in subject.corrections}
    table: dict[str, Tally] = {}
    for record in records:
        base, _, part = record["id"].partition("/")
        item = corrections[base]
        question = item["neighbours"][int(part[1]) - 1] if part[0] == "n" else item
        record["verdict"] = "right" if is_right(question, record["reply"]) else "wrong"
        tally = table.setdefault(part[0], Counter())
        tally["asked"] += 1
        tally["right"] += record["verdict"] == "right"
    return table


def same_answers(subject: ServiceSet, questions: Sequence[Record], before: Sequence[Record]) -> Tally:
    """Pairs of one question in two wordings, and those that got the same answer.

    Wordings: questions that rest on the same evidence with the same strings wanted, and a correction's question with
    its paraphrases. Answers are the same where both decline, both have one of the strings wanted, or both say the same
    numbers and, having none, the same words.
    """
    replies = {record["id"]: record for record in [*questions, *before]}
    groups: dict[str, list[tuple[Record, Sequence[str]]]] = {}
    for item in subject.questions:
        if item["id"] in replies and not item.get("unanswerable"):
            key = "|".join([*sorted(item["evidence"]), *sorted(item["any_of"])])
            groups.setdefault(key, []).append((replies[item["id"]], item["any_of"]))
    for item in subject.corrections:
        wanted = [*item["any_of"], *item["none_of"]]
        group: list[tuple[Record, Sequence[str]]] = [
            (replies[f"{item['id']}/{part}"], wanted) for part in ("q", "p1", "p2") if f"{item['id']}/{part}" in replies
        ]
        groups[item["id"]] = group
    tally: Tally = Counter()
    for wordings in groups.values():
        for record, strings in wordings[1:]:
            tally["pairs"] += 1
            tally["same"] += _same_answer(wordings[0][0], record, strings)
    return tally


def _same_answer(one: Record, other: Record, wanted: Sequence[str]) -> bool:
    declined = [declines(record["reply"], record["question"]) for record in (one, other)]
    if any(declined):
        return all(declined)
    said = [{string for string in wanted if any_stands_in([string], record["reply"])} for record in (one, other)]
    if any(said):
        return bool(said[0] & said[1])
    values = [numbers(record["reply"]) for record in (one, other)]
    return values[0] == values[1] if any(values) else normal(one["reply"]) == normal(other["reply"])


def calibration_error(records: Iterable[Record], bins: int = 10) -> float | None:
    """The expected calibration error of reported probabilities (Naeini et al. 2015); None where none is.

    A reply that declines claims nothing, so that its probability is not held against anything.
    """
    pairs = [
        (record["probability"], record["verdict"] == "right")
        for record in records
        if record.get("probability") is not None and record.get("verdict") in ("right", "wrong", "answered")
    ]
    if not pairs:
        return None
    error = 0.0
    for number in range(bins):
        inside = [pair for pair in pairs if min(int(pair[0] * bins), bins - 1) == number]
        if inside:
            error += abs(sum(pair[0] for pair in inside) - sum(pair[1] for pair in inside))
    return error / len(pairs)


def median_first_token(records: Iterable[Record]) -> float | None:
    """Seconds to the first token, the median of all replies that had one."""
    times = [record["first_token_s"] for record in records if record.get("first_token_s") is not None]
    return statistics.median(times) if times else None


def share(tally: Mapping[str, int], part: str, whole: str) -> float:
    """`part` of `whole`; 0 where there is none."""
    return tally[part] / tally[whole] if tally[whole] else 0.0


def _share(flags: Iterable[Any]) -> float:
    values = [bool(flag) for flag in flags]
    return sum(values) / len(values) if values else 0.0
