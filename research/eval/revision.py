"""Whether feedback changes the reply as it asks: `python -m research.eval.revision --data DIR --heads DIR [--json]`.

DATA holds feedback/verifiable_dev.jsonl.gz, HEADS what `python -m research.fuse` made (head, literal,
constant, untrained). A prompt is asked (A0); then a reader says in free text what they want, in phrasings of this
evaluation's own, and gets revisions. Arms (revision_arms says exactly what each gives):

- A0 ignores the feedback; A1 has it in the prompt as the next message; A1+ is A1 with masks and the best of several
  candidates by the feedback-aware score;
- A2 is the fusion head alone, the feedback withheld from the prompt, A2L the literal tanh formula;
- A3 is A1 with the head, A5 is A1+ with the head;
- A1L is A1 written by low-rank pairs of as many weights, trained on the same edits (revision_lora);
- controls: A2 and A3 with another item's feedback for the head, A3 with a head trained and run on constant vectors,
  A3 with an untrained head;

In rounds two and three (--rounds) the reader says it in other words, unless the project is content by its own lights:
its own checks met, read as fluent, and the comment understood by rule. Where A1+ amended the draft before by rule and
nothing was written, A5's draft is the same and is taken from there: run A1+ first.

Work may be spread over several calls: each writes what is missing in --out for at most --seconds, judges it, and
prints the table of what is there. Success is the scorer's word alone (revision_scorer): satisfied, relevant and not
degenerate. Shares are in per cent; "macro" is the mean over kinds of checks; intervals and p are bootstrapped over
prompts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from research.eval.revision_arms import ARMS, Reader, Writer
from research.eval.revision_figures import Reply, differences, table
from research.eval.revision_items import Item, load, load_training, sample
from research.eval.revision_judge import Judge
from research.eval.revision_scorer import reasons_against, satisfied
from services.tracker.domain.feedback import Feedback, read_feedback

RELEVANT = 0.05
"""A reply is off its prompt if it is further from it than all but this share of the replies without feedback."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write, judge, report."""
    options = parser().parse_args(arguments)
    items = sample((load_training if options.train else load)(options.data), options.limit)
    options.out.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + options.seconds
    if not options.report:
        write(options, items, deadline)
    if options.write:
        return
    replies = {arm: _replies(options.out / f"{arm}.jsonl", items) for arm in ARMS if arm != "A0"}
    replies = {arm: found for arm, found in replies.items() if found}
    first = _first(options.out / "A0.jsonl", items)
    found = judge(options, items, first, replies)
    figures = found | table(items, first, replies) | differences(items, first, replies)
    by_grammar = [read_feedback(Feedback(comment=item.comment), "", item.prompt).constraints for item in items]
    reader = Reader()
    by_both = [reader.read(item.comment, "", item.prompt).constraints for item in items]
    figures["understood_by_grammar"] = 100 * statistics.fmean(map(bool, by_grammar))
    figures["understood"] = 100 * statistics.fmean(map(bool, by_both))
    print(f"understood: grammar {figures['understood_by_grammar']:.1f} %, with likeness {figures['understood']:.1f} %")
    if options.json:
        print(json.dumps({"figures": {name: round(value, 2) for name, value in figures.items()}}))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, required=True)
    made.add_argument("--heads", type=Path, default=Path("out/fusion"), help="folder with the heads' files")
    made.add_argument("--out", type=Path, default=Path("out/eval/revision"), help="raw records")
    made.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    made.add_argument("--train", action="store_true", help="training prompts and phrasings, to choose by")
    made.add_argument("--limit", type=int, default=0, help="items, taken in turn of each kind; 0: all")
    made.add_argument("--rounds", type=int, default=1)
    made.add_argument("--candidates", type=int, default=4)
    made.add_argument("--beams", type=int, default=1, help="beams of the search, where decoding is shaped")
    made.add_argument("--unread", action="store_true", help="candidates are compared by their likelihood as written")
    made.add_argument("--unamended", action="store_true", help="no candidate is an amended draft")
    made.add_argument("--uninfilled", action="store_true", help="no sentence is written into a draft")
    made.add_argument("--tokens", type=int, default=160, help="most tokens of a reply")
    made.add_argument("--rows", type=int, default=32)
    made.add_argument("--threads", type=int, default=0, help="0: one for each core")
    made.add_argument("--upstream", default="", metavar="URL", help="a server that writes; empty: our own engine")
    made.add_argument("--upstream-key-file", type=Path, help="file with its key")
    made.add_argument("--seconds", type=float, default=1e9, help="start no further draft after this time")
    made.add_argument("--write", action="store_true", help="write replies, judge nothing yet")
    made.add_argument("--report", action="store_true", help="write nothing, judge and report what is there")
    made.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    return made


def write(options: argparse.Namespace, items: list[Item], deadline: float) -> None:
    """Write what the arms lack: first replies, then the arms item by item, all arms in one batch."""
    writer = Writer(options)
    firsts = list({item.prompt: item for item in items}.values())
    _write_all(options, writer, [("A0", item, item) for item in firsts], {}, deadline)
    first = {one["prompt"]: one["drafts"][0]["text"] for one in _lines(options.out / "A0.jsonl")}
    if "A5" in options.arms:
        _same_without_writing(options.out)
    others = items[len(items) // 2 + 1 :] + items[: len(items) // 2 + 1]
    arms = [arm for arm in options.arms if arm != "A0"]
    work = [(arm, item, other) for item, other in zip(items, others, strict=True) for arm in arms]
    work = in_turn(work, options.rows)
    _write_all(options, writer, [one for one in work if one[1].prompt in first], first, deadline)
    writer.close()


def _same_without_writing(out: Path) -> None:
    """Give A5 the drafts of A1+ in which the model wrote nothing: no head is heard in those, so they are the same."""
    known = {(one["prompt"], one["comment"]) for one in _lines(out / "A5.jsonl")}
    with (out / "A5.jsonl").open("a", encoding="utf-8") as file:
        for one in _lines(out / "A1+.jsonl"):
            ruled = not any(draft.get("written", True) for draft in one["drafts"])
            if ruled and (one["prompt"], one["comment"]) not in known:
                file.write(json.dumps(one, ensure_ascii=False) + "\n")


def in_turn(work: list[tuple[str, Item, Item]], rows: int) -> list[tuple[str, Item, Item]]:
    """The work so ordered that drafts of one prompt come after each other, but not at once: each then finds the prompt
    in the engine's memory."""
    prompts = list(dict.fromkeys(item.prompt for _, item, _ in reversed(work)))
    place = {prompt: number for number, prompt in enumerate(prompts)}
    count: dict[str, int] = {}
    keyed = []
    for one in work:
        prompt = one[1].prompt
        count[prompt] = count.get(prompt, 0) + 1
        keyed.append(((place[prompt] // rows, count[prompt], place[prompt]), one))
    return [one for _, one in sorted(keyed, key=lambda pair: pair[0])]


def _write_all(
    options: argparse.Namespace,
    writer: Writer,
    work: list[tuple[str, Item, Item]],
    first: dict[str, str],
    deadline: float,
) -> None:
    arms = {arm for arm, _, _ in work}
    known = {(arm, one["prompt"], one["comment"]) for arm in arms for one in _lines(options.out / f"{arm}.jsonl")}
    left = [one for one in work if (one[0], one[1].prompt, one[1].comment if one[0] != "A0" else "") not in known]
    started, tokens = time.monotonic(), 0

    def write_one(one: tuple[str, Item, Item]) -> tuple[str, dict[str, Any]] | None:
        if time.monotonic() > deadline:
            return None
        arm, item, other = one
        drafts = writer.revise(ARMS[arm], item, first.get(item.prompt, ""), other, options.rounds)
        made = [
            {"text": d.text, "finish": d.finish_reason, "tokens": d.usage.completion, "written": d.timings.decode > 0}
            for d in drafts
        ]
        return arm, {"prompt": item.prompt, "comment": item.comment if arm != "A0" else "", "drafts": made}

    with ThreadPoolExecutor(options.rows) as pool:
        for done in as_completed([pool.submit(write_one, one) for one in left]):
            if (found := done.result()) is not None:
                with (options.out / f"{found[0]}.jsonl").open("a", encoding="utf-8") as out:
                    out.write(json.dumps(found[1], ensure_ascii=False) + "\n")
                tokens += sum(draft["tokens"] for draft in found[1]["drafts"])
    seconds = time.monotonic() - started
    if tokens:
        print(f"{tokens} tokens chosen in {seconds:.0f} s, {tokens / seconds:.0f} a second", flush=True)


def judge(
    options: argparse.Namespace,
    items: list[Item],
    first: dict[str, Reply],
    replies: dict[str, dict[int, list[Reply]]],
) -> dict[str, float]:
    """Give every reply the scorer's word. Models are asked about replies that are good but for them, and about A0."""
    kept = options.out / "judged.jsonl"
    known = {(one["prompt"], one["comment"], one["text"]): one for one in _lines(kept)}
    wanted = {(prompt, "", reply.text) for prompt, reply in first.items()}
    every = [(items[at], reply) for found in replies.values() for at, rounds in found.items() for reply in rounds]
    for item, reply in [*((item, first[item.prompt]) for item in items if item.prompt in first), *every]:
        reply.passed[_key(item)] = satisfied(item.check, reply.text)
    for item, reply in every:
        if reply.passed[_key(item)] and not reasons_against(reply.text, reply.finish, 0, 1):
            wanted.add((item.prompt, item.comment, reply.text))
    missing = sorted(key for key in wanted if key not in known)
    if missing:
        asked = Judge()
        near = dict(zip(missing, asked.relevance([(prompt, text) for prompt, _, text in missing]), strict=True))
        with kept.open("a", encoding="utf-8", buffering=1) as out:
            for prompt, some in itertools.groupby(missing, key=lambda key: key[0]):
                group = list(some)  # one reading after the other: what replies share stays in the judge's memory
                strict = [asked.perplexity(prompt, text) for _, _, text in group]
                for key, plainly in zip(group, strict, strict=True):
                    _, comment, text = key
                    one: dict[str, Any] = {"prompt": prompt, "comment": comment, "text": text, "near": near[key]}
                    one |= {"strict": plainly, "perplexity": plainly}
                    if comment:
                        one["perplexity"] = asked.perplexity(prompt, text, first[prompt].text, comment)
                    known[key] = one
                    out.write(json.dumps(one, ensure_ascii=False) + "\n")
    plain = [one for (prompt, comment, _), one in known.items() if not comment and prompt in first]
    usual = statistics.median(one["perplexity"] for one in plain)
    nearest = sorted(one["near"] for one in plain)[int(RELEVANT * len(plain))]
    refused = 100 * statistics.fmean(one["perplexity"] > 1.5 * usual for one in plain)
    print(f"A0: median perplexity {usual:.2f}; the rule of perplexity refuses {refused:.0f} % of A0 itself", end="")
    print(f"; relevance limit {nearest:.3f}")
    for item, reply in [*((item, first[item.prompt]) for item in items if item.prompt in first), *every]:
        comment = "" if reply is first.get(item.prompt) else item.comment
        found = known.get((item.prompt, comment, reply.text), {"perplexity": 0.0, "strict": 0.0, "near": 1.0})
        against = reasons_against(reply.text, reply.finish, found["perplexity"], usual)
        reply.against = against + (["off the prompt"] if found["near"] < nearest else [])
        reply.strained = found["strict"] > 1.5 * usual
    return {"a0_perplexity": usual, "a0_refused": refused}


def _key(item: Item) -> str:
    return json.dumps(item.check, sort_keys=True)


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []


def _replies(file: Path, items: list[Item]) -> dict[int, list[Reply]]:
    """By the item's number, the replies of rounds 1, 2, …"""
    at = {(item.prompt, item.comment): number for number, item in enumerate(items)}
    return {
        at[key]: [Reply(**draft) for draft in one["drafts"]]
        for one in _lines(file)
        if (key := (one["prompt"], one["comment"])) in at
    }


def _first(file: Path, items: list[Item]) -> dict[str, Reply]:
    prompts = {item.prompt for item in items}
    return {one["prompt"]: Reply(**one["drafts"][0]) for one in _lines(file) if one["prompt"] in prompts}


if __name__ == "__main__":
    main()
