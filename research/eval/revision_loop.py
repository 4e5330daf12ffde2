"""How many rounds a reader needs: `python -m research.eval.revision_loop --data DIR [--pairs 64] [--json]`.

The whole pipeline, over gRPC, with the real model. A simulated reader asks a prompt of verifiable_dev, says in free
text what they want, and goes on saying it in other words until the reply is a success by the scorer of
`research.eval.revision` (satisfied, fluent, on the prompt, ended) or the rounds are used up. The reader's wordings are
that evaluation's own; nothing of the service knows the scorer. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from antiphon.v1 import common_pb2, conversation_pb2

from research.eval.revision import RELEVANT
from research.eval.revision_items import Item, load, sample
from research.eval.revision_judge import Judge
from research.eval.revision_scorer import reasons_against, satisfied
from tests.support.loop import Pipeline, pipeline

_FINISH = {conversation_pb2.FINISH_REASON_STOP: "stop"}


@dataclass
class Talk:
    """One reader's turn: the drafts they got, and the round after which they were satisfied (None: never)."""

    item: Item
    turn: str = ""
    drafts: list[conversation_pb2.Draft] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    satisfied_after: int | None = None


class Reader:
    """Decides on drafts as the evaluation's scorer does; its limits come from the first drafts of all talks."""

    def __init__(self, talks: Sequence[Talk]) -> None:
        self._judge = Judge()
        firsts = {talk.item.prompt: talk.drafts[0].text for talk in talks}
        self._usual = statistics.median(self._judge.perplexity(prompt, text) for prompt, text in firsts.items())
        near = sorted(self._judge.relevance(list(firsts.items())))
        self._nearest = near[int(RELEVANT * len(near))]

    def content(self, talk: Talk) -> bool:
        """Whether the talk's last draft is a success."""
        item, draft = talk.item, talk.drafts[-1]
        if not satisfied(item.check, draft.text):
            return False
        before = (talk.drafts[0].text, talk.said[0]) if talk.said else ("", "")
        perplexity = self._judge.perplexity(item.prompt, draft.text, *before)
        if reasons_against(draft.text, _FINISH.get(draft.finish_reason, "length"), perplexity, self._usual):
            return False
        return self._judge.relevance([(item.prompt, draft.text)])[0] >= self._nearest


def talk_all(pipe: Pipeline, items: Sequence[Item], rounds: int, tokens: int) -> list[Talk]:
    """Every reader's talk, all of a round at once."""
    settings = common_pb2.DecodingSettings(max_tokens=tokens, temperature=0)
    talks = [Talk(item) for item in items]

    def ask(talk: Talk) -> None:
        request = conversation_pb2.CreateSessionRequest(user_id="reader")
        session = pipe.client.conversations.CreateSession(request).session
        stream = pipe.client.send(session.id, talk.item.prompt, settings=settings)
        talk.drafts.append(stream.result())
        talk.turn = stream.turn_id

    def revise(talk: Talk) -> None:
        ways = talk.item.ways
        talk.said.append(ways[len(talk.said) % len(ways)])
        talk.drafts.append(pipe.client.revise(talk.turn, talk.said[-1], settings=settings).result())

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(ask, talks))
        reader = Reader(talks)
        for number in range(rounds + 1):
            for talk in talks:
                if talk.satisfied_after is None and reader.content(talk):
                    talk.satisfied_after = number
            done = sum(talk.satisfied_after is not None for talk in talks)
            print(f"after round {number}: {done} of {len(talks)} satisfied", flush=True)
            if number < rounds:
                list(pool.map(revise, [talk for talk in talks if talk.satisfied_after is None]))
    return talks


def main(arguments: Sequence[str] | None = None) -> None:
    """Talk, count, report."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, required=True)
    made.add_argument("--pairs", type=int, default=64, help="pairs of prompt and check, taken in turn of each kind")
    made.add_argument("--rounds", type=int, default=3, help="most revisions of a reader")
    made.add_argument("--tokens", type=int, default=160, help="most tokens of a reply")
    made.add_argument("--broker", choices=["redis", "rabbitmq"], default="redis")
    made.add_argument("--out", type=Path, default=Path("out/eval/revision_loop.jsonl"), help="raw records")
    made.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    options = made.parse_args(arguments)
    with pipeline(options.broker) as pipe:
        talks = talk_all(pipe, sample(load(options.data), options.pairs), options.rounds, options.tokens)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w", encoding="utf-8") as out:
        for talk in talks:
            record: dict[str, Any] = {"prompt": talk.item.prompt, "check": talk.item.check, "said": talk.said}
            record |= {"drafts": [draft.text for draft in talk.drafts], "satisfied_after": talk.satisfied_after}
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
    figures: dict[str, float] = {"pairs": len(talks)}
    for number in range(options.rounds + 1):
        count = sum(talk.satisfied_after is not None and talk.satisfied_after <= number for talk in talks)
        low, high = wilson(count, len(talks))
        figures |= {f"satisfied_by_{number}": 100 * count / len(talks), f"low_{number}": low, f"high_{number}": high}
        print(f"satisfied by round {number}: {100 * count / len(talks):5.1f} %  [{low:.1f}, {high:.1f}]")
    needed = [talk.satisfied_after for talk in talks if talk.satisfied_after is not None]
    figures["rounds_to_satisfaction"] = statistics.fmean(needed) if needed else math.nan
    print(f"rounds to satisfaction, of those satisfied: {figures['rounds_to_satisfaction']:.2f}")
    if options.json:
        print(json.dumps({"figures": {name: round(value, 2) for name, value in figures.items()}}))


def wilson(count: int, of: int) -> tuple[float, float]:
    """Wilson's interval of a share, in per cent."""
    z = 1.96
    share = count / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    reach = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return 100 * (middle - reach), 100 * (middle + reach)


if __name__ == "__main__":
    main()
