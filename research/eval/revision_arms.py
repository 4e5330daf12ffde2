"""The arms of the evaluation of revisions: what each gives the generator of a reader's feedback."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

from research.eval.revision_items import Item
from services.common.constraints import Constraint, check, merge_rounds
from services.generator.conditioning.feedback_fusion import FeedbackFusion, load_fusion
from services.generator.decoding.settings import decode_settings
from services.generator.engine import DraftEngine, DraftRequest, Engine, FinishedDraft, FusionInput
from services.generator.engine.backends.build import build_backend
from services.generator.engine.upstream.build import build_upstream
from services.generator.prompt.builder import PromptBuilder
from services.generator.revision import policy
from services.generator.revision.best_of_n import BestOfN
from services.generator.revision.scoring import Score
from services.generator.settings import GeneratorSettings
from services.models.adapter import read_adapter
from services.models.chat import CHATML, ChatFormat, chat_format
from services.models.language_model import content_hash, find_model
from services.models.sentence_encoder import SentenceEncoder
from services.tracker.comments.parser import CommentParser
from services.tracker.domain.feedback import Fallback, Feedback, Understanding, read_feedback


@dataclass(frozen=True)
class Arm:
    """What an arm does with the feedback.

    `prompted`: it stands in the prompt as the next message; `head`: the file of the fusion head that gets it;
    `other`: the head gets another item's feedback,
    `constant`: the training set's mean vector; `shaped`: masks and shape while decoding, and the best of several
    candidates by the feedback-aware score.
    """

    prompted: bool = True
    head: str = ""
    adapter: str = ""
    other: bool = False
    constant: bool = False
    shaped: bool = False


ARMS = {
    "A0": Arm(prompted=False),
    "A1": Arm(),
    "A1+": Arm(shaped=True),
    "A1L": Arm(adapter="lora"),
    "A2": Arm(prompted=False, head="head"),
    "A2L": Arm(prompted=False, head="literal"),
    "A2-shuffled": Arm(prompted=False, head="head", other=True),
    "A3": Arm(head="head"),
    "A3-shuffled": Arm(head="head", other=True),
    "A3-constant": Arm(head="constant", constant=True),
    "A3-untrained": Arm(head="untrained"),
    "A5": Arm(head="head", shaped=True),
}


class Waiting:
    """A listener that waits for the end."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._draft: FinishedDraft | Exception | None = None

    def on_delta(self, text: str, token_ids: list[int]) -> None: ...
    def on_progress(self) -> None: ...

    def on_finish(self, draft: FinishedDraft) -> None:
        self._draft = draft
        self._done.set()

    def on_error(self, error: Exception) -> None:
        self._draft = error
        self._done.set()

    def draft(self) -> FinishedDraft:
        self._done.wait()
        if not isinstance(self._draft, FinishedDraft):
            raise RuntimeError("a draft failed") from self._draft
        return self._draft


class Reader:
    """Understands comments as the track step does: by the grammar, the trained reader and likeness."""

    def __init__(self) -> None:
        self._encoder = SentenceEncoder.load()
        self._lock = threading.Lock()
        self._parse = CommentParser.load().parse
        self._fallback = Fallback(self._encode, self._parse)

    def read(self, comment: str, draft: str, prompt: str, heard: Sequence[Constraint] | None = None) -> Understanding:
        return read_feedback(Feedback(comment=comment), draft, prompt, self._fallback, heard)

    def sure(self, comment: str, draft: str, prompt: str) -> bool:
        """Whether the comment is understood without recourse to likeness: by the grammar or by the trained reader."""
        return bool(read_feedback(Feedback(comment=comment), draft, prompt).constraints or self._parse(comment, draft))

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with self._lock:
            return self._encoder.encode(texts)


class Writer:
    """The generator without its queues: the same prompts, settings, masks, candidates and heads as the service's."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.settings = GeneratorSettings(
            max_batch_size=options.rows, reply_tokens=options.tokens, candidates=options.candidates,
            compute_threads=options.threads, upstream_urls=options.upstream,
            upstream_key_file=options.upstream_key_file,
        )  # fmt: skip
        self._fusions: dict[str, FeedbackFusion] = {}
        self._constant: Mapping[str, Any] = {}
        self._engine, chat = self._upstream(options) if options.upstream else self._own(options)
        codec, system = self._engine.codec, self.settings.system_text
        self._builder = PromptBuilder(codec, chat, self._engine.context_limit, system)
        self._reading = not options.unread
        self._amending = not options.unamended
        self._infilling = not options.uninfilled
        self._shaped = {"beams": options.beams, "candidates": options.candidates} if options.beams > 1 else {}
        self._count = 0
        self._lock = threading.Lock()
        self._reader = Reader()

    def _upstream(self, options: argparse.Namespace) -> tuple[DraftEngine, ChatFormat]:
        if own := [arm for arm in options.arms if ARMS[arm].head or ARMS[arm].adapter]:
            raise SystemExit(f"--upstream has neither fusion heads nor adapters, which {own[0]} needs")
        self._version = "upstream"
        return build_upstream(self.settings)[0], CHATML

    def _own(self, options: argparse.Namespace) -> tuple[DraftEngine, ChatFormat]:
        self.folder = find_model(self.settings.model, self.settings.cache_dir)
        self._version = content_hash(self.folder, self.settings.cache_dir)
        backend = build_backend(self.settings)
        for name in dict.fromkeys(ARMS[arm].head for arm in options.arms if ARMS[arm].head):
            file = Path(options.heads) / f"{name}.safetensors"
            found = load_fusion(file, self.folder, self._version, backend)
            if found is None:
                raise SystemExit(f"there is no fusion head {file} for this model")
            self._fusions[name] = found
            if name == "constant":
                self._constant = load_file(file.with_suffix(".vectors.safetensors"))
        for name in dict.fromkeys(ARMS[arm].adapter for arm in options.arms if ARMS[arm].adapter):
            content = (Path(options.heads) / f"{name}.safetensors").read_bytes()
            backend.load_version(name, backend.prepare_version(read_adapter(content, self._version)))
        return Engine(backend, waiting_limit=4096), chat_format(self.folder)

    def revise(self, arm: Arm, item: Item, first: str, other: Item, rounds: int) -> list[FinishedDraft]:
        """The drafts that stand after rounds 1, 2, …; once the project is content by its own lights, the last one does,
        and one that its own score puts below the draft before, for the same wishes, never does. In each round the
        reader says it in other words."""
        turn: dict[str, Any] = {"_id": item.prompt, "n": 1, "round": 0, "text": item.prompt}
        turn["drafts"] = [{"id": "0", "round": 0, "status": "completed", "text": first}]
        if not arm.prompted and not arm.head:
            return [self._write({**turn, "drafts": [{"id": "0", "round": 0}]}, arm, item.comment, other, ())[0]]
        understood: dict[str, Any] = {}
        drafts: list[FinishedDraft] = []
        content, sure = False, False
        stands: tuple[list[Constraint], float] | None = None
        for number in range(1, rounds + 1):
            if content and sure:
                drafts.append(drafts[-1])
                continue
            comment = item.ways[(number - 1) % len(item.ways)] if item.ways else item.comment
            heard = [Constraint.from_json(one) for known in understood.values() for one in known["constraints"]]
            before = merge_rounds([heard]) if drafts else None
            read = self._reader.read(comment, turn["drafts"][-1]["text"], item.prompt, before)
            sure = self._reader.sure(comment, turn["drafts"][-1]["text"], item.prompt)
            if content and sure and all(check(one, drafts[-1].text) for one in read.constraints):
                drafts.append(drafts[-1])  # said in other words, it is what was understood at first
                continue
            understood[str(number)] = {"constraints": [one.to_json() for one in read.constraints]}
            turn |= {"round": number, "understood": dict(understood)}
            turn["drafts"].append({"id": str(number), "round": number, "feedback": {"comment": comment}})
            draft, judged = self._write(turn, arm, comment, other, read.constraints)
            content = judged is not None and judged.perfect and bool(read.constraints)
            turn["drafts"][-1] |= {"status": "completed", "text": draft.text}
            wishes = merge_rounds([heard, read.constraints])
            worse = (
                stands is not None and set(stands[0]) == set(wishes) and judged is not None and judged.value < stands[1]
            )
            drafts.append(drafts[-1] if worse else draft)
            if judged is not None and not worse:
                stands = (wishes, judged.value)
        return drafts

    def _write(
        self, turn: dict[str, Any], arm: Arm, comment: str, other: Item, constraints: Sequence[Constraint]
    ) -> tuple[FinishedDraft, Score | None]:
        """The draft of the turn's round, and how the generator itself judged it."""
        turn["settings"] = self._shaped if arm.shaped else {"constrained": False, "candidates": 1, "beams": 1}
        asked_of = turn if arm.prompted else policy.unrevised(turn)
        prompt = self._builder.build(asked_of, [], reply_tokens=self.settings.reply_tokens)
        decode = decode_settings(turn, self.settings)
        decode = policy.adjusted(decode, prompt, asked_of, self._engine.context_limit - len(prompt), self.settings)
        anew = self._builder.build(policy.unrevised(turn), [], reply_tokens=1).tail if turn["round"] else None
        with self._lock:
            self._count += 1
            key = str(self._count)
        request = DraftRequest(
            key, "eval", turn["_id"], arm.adapter or self._version, prompt.history, prompt.tail, decode,
            fusion=self._fusion(arm, comment, other, constraints),
        )  # fmt: skip
        heard = Waiting()
        chosen = policy.revision_policy(turn, prompt, self.settings)
        chosen = replace(
            chosen,
            anew=anew,
            context=chosen.context if turn["round"] else None,
            reading=self._reading and chosen.reading,
            amending=self._amending and arm.shaped and chosen.amending,
            infilling=self._infilling and arm.shaped and chosen.infilling,
        )
        writing = BestOfN(self._engine, request, heard, chosen)
        writing.submit()
        return heard.draft(), writing.chosen

    def _fusion(self, arm: Arm, comment: str, other: Item, constraints: Sequence[Constraint]) -> FusionInput | None:
        if not arm.head:
            return None
        fusion = self._fusions[arm.head]
        if arm.constant:
            return FusionInput(fusion.head, self._constant)
        if arm.other:
            return fusion.of(other.comment, self._reader.read(other.comment, "", other.prompt).constraints)
        return fusion.of(comment, constraints)

    def close(self) -> None:
        self._engine.close(drain=False)
