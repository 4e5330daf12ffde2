"""What the model answers with and without the knowledge base: `python -m research.eval.answers --data DIR [--json]`.

Three sets, each answered greedily by the generator's own engine and prompts, without its queues:

- hotpot: the 100 questions of HotpotQA-100 with the passages the service finds for them;
- banking: questions in the style of τ-Banking, made by one template from lines "label: value" of its documents
  ("What is the overdraft fee of Cobalt Blue?"), drawn once by seed; the passages are those the service finds;
- facts: what was taught by one sentence and contradicted by another (see research.eval.facts, the relations on which
  nothing was chosen), asked by a third wording with the facts that the fact book finds. What counts is how often the
  old value is in the answer, and how often the new one.

An answer counts where the gold answer stands in it as words, both in lower case without articles and punctuation; for
yes and no, where it is the first of the two said. Arms: `none` (the question alone), `text` (notes in the prompt),
`vector` (the notes as soft tokens of the passages' projector), `both`, and controls in which the vectors are given the
notes of the set's next question: `vector-other`, `both-other`.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import string
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from research.eval.facts import Memory, spoken_items
from research.eval.retrieval import Corpus, banking, hotpot, interval, read
from research.eval.revision_arms import Waiting
from services.common.citations import cite
from services.common.quoting import quoted
from services.common.store import GroundingText
from services.generator.conditioning.state_vectors import COMMITTED, StateVectors, load_state_vectors
from services.generator.engine import DecodeSettings, DraftRequest, Engine
from services.generator.engine.backends.build import build_backend
from services.generator.prompt.builder import PromptBuilder
from services.generator.prompt.wording import note_line
from services.generator.settings import GeneratorSettings
from services.generator.turns.superseded import refusing
from services.knowledge.domain.query import Query
from services.models.chat import chat_format
from services.models.encoder_files import PROPERTIES
from services.models.language_model import content_hash, find_model
from services.models.sentence_encoder import SentenceEncoder

SEED = 17
ARMS = ("none", "text", "vector", "both", "vector-other", "both-other")
PASSAGES = 4  # as the ground step takes by default
_LINE = re.compile(r"^\s*-\s+(?P<label>[A-Z][A-Za-z /-]{3,48}[a-z])(?:\s*\([^)]*\))?:\s+(?P<value>[^\n]{1,60})$", re.M)
_VALUE = re.compile(r"(?:\$[\d,.]*\d|\d[\d,.]*%?)")


@dataclass(frozen=True)
class Asked:
    """A question with the notes found for it; `gold` must be in the answer, `old` must not."""

    set: str
    id: str
    question: str
    gold: str
    notes: tuple[GroundingText, ...]
    old: str = ""

    @property
    def grounded(self) -> bool:
        """True when a note has the answer."""
        return any(holds(note.text, self.gold) for note in self.notes)


def normal(text: str) -> str:
    """SQuAD's form: lower case, no punctuation, no articles, single spaces."""
    plain = "".join(one for one in text.casefold() if one not in string.punctuation)
    return " ".join(re.sub(r"\b(?:a|an|the)\b", " ", plain).split())


def holds(text: str, answer: str) -> bool:
    """True when the answer stands in the text as words; yes and no: when it is the one said first."""
    wanted, words = normal(answer), normal(text)
    if wanted in ("yes", "no"):
        first = re.search(r"\b(?:yes|no)\b", words)
        return first is not None and first[0] == wanted
    return bool(wanted) and f" {wanted} " in f" {words} "


def noted(corpus: Corpus, question: str) -> tuple[GroundingText, ...]:
    """The passages that the service finds, as they enter the prompt."""
    hits = corpus.index.search(Query(question), corpus.encode, passages=PASSAGES, facts=0).passages
    found = [corpus.entries[hit.id] for hit in hits]
    return tuple(GroundingText("passage", one.id, 1, quoted(one.heading), quoted(one.text)) for one in found)


def hotpot_questions(data: Path, encoder: SentenceEncoder, cache: Path) -> list[Asked]:
    corpus, items = hotpot(data / "knowledge", encoder, cache)
    answers = {one["_id"]: one["answer"] for one in read(data / "knowledge" / "hotpotqa100_queries.jsonl.gz")}
    return [Asked("hotpot", one.id, one.text, answers[one.id], noted(corpus, one.text)) for one in items]


def banking_questions(data: Path, encoder: SentenceEncoder, cache: Path, count: int) -> list[Asked]:
    """Questions whose label stands once in the documents of their subject, so that one answer is right."""
    corpus, _ = banking(data / "knowledge", encoder, cache)
    made: dict[tuple[str, str], set[str]] = {}
    for document in read(data / "knowledge" / "tau_banking_docs.jsonl.gz"):
        subject, colon, _ = document["title"].partition(":")
        if not colon or subject == "Internal":
            continue
        for line in _LINE.finditer(document["text"]):
            values = _VALUE.findall(line["value"])
            if len(values) == 1:
                made.setdefault((subject.strip(), line["label"].strip()), set()).add(values[0].rstrip(".,"))
    sure = sorted((subject, label, *values) for (subject, label), values in made.items() if len(values) == 1)
    chosen = random.Random(SEED).sample(sure, min(count, len(sure)))
    return [
        Asked("banking", f"{subject}/{label}", question, value, noted(corpus, question))
        for subject, label, value in chosen
        for question in [f"What is the {label[0].lower()}{label[1:]} of the {subject}?"]
    ]


def fact_questions(data: Path, encoder: SentenceEncoder, per_relation: int) -> list[Asked]:
    items = spoken_items(data, per_relation)
    chosen_on = set(sorted({item.relation for item in items})[::2])
    asked = []
    for number, item in enumerate(one for one in items if one.relation not in chosen_on):
        memory = Memory(encoder)
        for sentence in (item.beside, item.taught, item.contradicted):
            memory.hear(sentence)
        found = memory.found(f"Complete this sentence: {item.asked}")
        notes = tuple(
            GroundingText("fact", one.id, one.revision, one.entity, quoted(one.prompt_text),
                          outdated=memory.outdated(one))
            for one in found
        )  # fmt: skip
        question = f"Complete this sentence: {item.asked}"
        asked.append(Asked("facts", f"{item.relation}/{number}", question, item.new, notes, item.old))
    return asked


class Answerer:
    """The generator without its queues."""

    def __init__(self, rows: int, tokens: int, projector: Path | None = None) -> None:
        self._settings = GeneratorSettings(max_batch_size=rows, reply_tokens=tokens, compute_threads=1)
        folder = find_model(self._settings.model, self._settings.cache_dir)
        self.version = content_hash(folder, self._settings.cache_dir)
        backend = build_backend(self._settings)
        self._engine = Engine(backend, waiting_limit=4096)
        limit, text = self._engine.context_limit, self._settings.system_text
        sentences = self._settings.note_sentences
        self._prompts = PromptBuilder(self._engine.codec, chat_format(folder), limit, text, note_sentences=sentences)
        self._pool = ThreadPoolExecutor(rows)
        self._refuses = self._settings.superseded_values == "refuse"
        self._vectors: StateVectors | None = load_state_vectors(projector, self.version) if projector else None

    def answer(
        self,
        questions: Sequence[Asked],
        notes: Callable[[Asked], Sequence[GroundingText]],
        projected: Callable[[Asked], Sequence[GroundingText]] = lambda _: (),
    ) -> list[str]:
        """A reply to each question, with these notes in the prompt and `projected` ones as soft tokens.

        Raises:
            ValueError: notes are to be projected and there is no projector that fits.
        """

        def write(numbered: tuple[int, Asked]) -> str:
            key = f"{numbered[0]}"
            turn = {"_id": key, "n": 1, "round": 0, "text": numbered[1].question, "drafts": [{"id": key, "round": 0}]}
            shown = notes(numbered[1])
            lines = [note_line(one) for one in projected(numbered[1])]
            if lines and self._vectors is None:
                raise ValueError("no projector of passages that fits this model")
            ids, soft = self._vectors.of_items(lines, self.version) if lines and self._vectors else ((), {})
            prompt = self._prompts.build(turn, [], grounding=shown, reply_tokens=self._settings.reply_tokens, soft=ids)
            decode = DecodeSettings(max_new_tokens=self._settings.reply_tokens)
            told = [*shown, *projected(numbered[1])]
            if self._refuses:
                decode = refusing(decode, told, numbered[1].question)
            heard = Waiting()
            request = DraftRequest(key, "eval", key, self.version, prompt.history, prompt.tail, decode, soft=soft)
            self._engine.submit(request, heard)
            text = heard.draft().text
            self._engine.forget("eval", key)
            return text

        return list(self._pool.map(write, enumerate(questions)))

    def close(self) -> None:
        self._pool.shutdown()
        self._engine.close(drain=False)


def report(asked: Sequence[Asked], arm: str, replies: Sequence[str], raw: list[dict[str, Any]]) -> dict[str, float]:
    """Shares of each set, printed with their intervals; the raw records go to `raw`."""
    figures: dict[str, float] = {}
    for name in dict.fromkeys(one.set for one in asked):
        pairs = [(one, reply) for one, reply in zip(asked, replies, strict=True) if one.set == name]
        measures = {"right": [holds(reply, one.gold) for one, reply in pairs]}
        grounded = [right for (one, _), right in zip(pairs, measures["right"], strict=True) if one.grounded]
        if name == "facts":
            measures["old_value"] = [holds(reply, one.old) and not holds(one.question, one.old) for one, reply in pairs]
        for measure, values in measures.items():
            low, high = interval([float(value) for value in values])
            share = float(np.mean(values))
            print(f"{name:8s} {arm:12s} {measure:9s} {share:.3f} [{low:.3f}, {high:.3f}]  n={len(values)}", flush=True)
            figures[f"{name}_{arm}_{measure}"] = round(share, 4)
        if arm != "none" and grounded:
            print(
                f"{name:8s} {arm:12s} {'of those whose notes have it':29s} {np.mean(grounded):.3f}  n={len(grounded)}"
            )
            figures[f"{name}_{arm}_right_of_grounded"] = round(float(np.mean(grounded)), 4)
            cited = [
                one
                for asked_one, reply in pairs
                for one in cite(reply, [note.text for note in reversed(asked_one.notes)])
            ]
            marked = [one.supported for one in cited if one.marked]
            figures[f"{name}_{arm}_marks"] = float(len(marked))
            figures[f"{name}_{arm}_marks_supported"] = round(float(np.mean(marked)), 4) if marked else 0.0
        for one, reply in pairs:
            raw.append({"set": name, "arm": arm, "id": one.id, "question": one.question, "gold": one.gold,
                        "old": one.old, "grounded": one.grounded, "reply": reply})  # fmt: skip
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with knowledge/ and edits/")
    parser.add_argument("--sets", nargs="+", default=["hotpot", "banking", "facts"])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["none", "text"])
    parser.add_argument("--projector", type=Path, default=COMMITTED.with_name("passages.safetensors"))
    parser.add_argument("--banking", type=int, default=100, help="questions of τ-Banking's style")
    parser.add_argument("--per-relation", type=int, default=40)
    parser.add_argument("--limit", type=int, default=0, help="questions a set; 0: all")
    parser.add_argument("--tokens", type=int, default=48, help="most tokens of a reply")
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--cache", type=Path, default=Path("build/eval"), help="where vectors are kept")
    parser.add_argument("--out", type=Path, default=Path("out/eval/answers.jsonl"), help="raw records")
    parser.add_argument("--json", action="store_true", help='print a last line {"figures": …}')
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    encoder = SentenceEncoder.load()
    makers: dict[str, Callable[[], list[Asked]]] = {
        "hotpot": lambda: hotpot_questions(options.data, encoder, options.cache),
        "banking": lambda: banking_questions(options.data, encoder, options.cache, options.banking),
        "facts": lambda: fact_questions(options.data, encoder.tuned(PROPERTIES), options.per_relation),
    }
    asked = [one for name in options.sets for one in makers[name]()[: options.limit or None]]
    for name in options.sets:
        grounded = [one.grounded for one in asked if one.set == name]
        print(f"{name:8s} {len(grounded)} questions; the answer is in the notes of {np.mean(grounded):.3f}", flush=True)
    projector = options.projector if any("vector" in arm or "both" in arm for arm in options.arms) else None
    answerer = Answerer(options.rows, options.tokens, projector)
    following = {(one.set, one.id): after for one, after in zip(asked, [*asked[1:], *asked[:1]], strict=True)}
    raw: list[dict[str, Any]] = []
    figures: dict[str, float] = {}
    for arm in options.arms:
        started = time.monotonic()
        kind = arm.removesuffix("-other")
        written = kind in ("text", "both")
        given = (lambda one: following[one.set, one.id]) if kind != arm else (lambda one: one)
        projected = kind in ("vector", "both")
        replies = answerer.answer(
            asked,
            lambda one, written=written: one.notes if written else (),  # type: ignore[misc]
            lambda one, given=given, on=projected: given(one).notes if on else (),  # type: ignore[misc]
        )
        figures |= report(asked, arm, replies, raw)
        print(f"{arm}: {time.monotonic() - started:.0f} s", flush=True)
    answerer.close()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in raw))
    if options.json:
        print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
