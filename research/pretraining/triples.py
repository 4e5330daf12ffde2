"""(context, feedback, reply) triples: people's edits, and ones made from any text by damaging it."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from research.pretraining.vocabulary import message_ids

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(])")


@dataclass(frozen=True)
class Triple:
    """What was said before, what was said about the draft, and the reply that followed from it."""

    question: str
    draft: str
    feedback: str
    reply: str
    origin: str


def read_human_edits(path: Path) -> list[dict[str, Any]]:
    """Records {question, passages, reply, feedback, ...} of a gzip'd JSON-lines file of human edits."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def edit_triple(record: dict[str, Any]) -> Triple | None:
    """A human edit as a triple: the comments in words, the corrected reply as the target.

    None where the person left the reply as it was or corrected nothing.
    """
    feedback, draft = record["feedback"], record["reply"]
    reply = feedback["corrected-prediction"].strip()
    comments = [f"{e['error type']}: {draft[e['start'] : e['end']]}" for e in feedback["errors"]]
    for missing in feedback["missing-info"]:
        passage = record["passages"][missing["passage_id"] - 1] if missing.get("passage_id") else []
        wanted = [passage[i] for i in missing["sentence_id"] if 0 <= i < len(passage)]
        if wanted:
            comments.append("Missing: " + " ".join(wanted))
    if not reply or not comments or reply == draft:
        return None
    return Triple(record["question"], draft, "\n".join(comments), reply, "human")


def split_sentences(text: str) -> list[str]:
    """Sentences of prose, by Western punctuation."""
    return [s for s in SENTENCE_END.split(re.sub(r"\s+", " ", text).strip()) if s]


def damaged_triples(texts: Sequence[str], count: int, seed: int, sentences: int = 3) -> list[Triple]:
    """`count` triples made from `texts`: a stretch of sentences is the reply, a damaged copy of it the draft.

    One sentence is taken out and a strange one put in, and the feedback says so in the words of a human edit
    ("Missing: ...", "Irrelevant: ..."), so that the only way to the sentence taken out is through the feedback.
    """
    chosen = random.Random(seed)
    split = [s for text in texts if len(s := split_sentences(text)) > sentences]
    if not split:
        raise ValueError(f"no text has more than {sentences} sentences")
    triples = []
    for _ in range(count):
        text = chosen.choice(split)
        at = chosen.randrange(len(text) - sentences)
        before, reply = text[at], text[at + 1 : at + 1 + sentences]
        hidden, strange = chosen.randrange(len(reply)), chosen.choice(chosen.choice(split))
        draft = [s for i, s in enumerate(reply) if i != hidden]
        draft.insert(chosen.randrange(len(draft) + 1), strange)
        feedback = f"Missing: {reply[hidden]}\nIrrelevant: {strange}"
        triples.append(Triple(before, " ".join(draft), feedback, " ".join(reply), "damaged"))
    return triples


@dataclass(frozen=True)
class TripleBatch:
    """Rows ready for the model. ids, targets: [rows, tokens] (targets -100 outside the reply); mask: real tokens;
    feedback_ids, feedback_mask: [rows, feedback tokens]."""

    ids: Tensor
    mask: Tensor
    targets: Tensor
    feedback_ids: Tensor
    feedback_mask: Tensor


def encode_triples(
    tokenizer: Any, triples: Sequence[Triple], limit: int, in_prompt: bool = False, feedback: Sequence[str] = ()
) -> TripleBatch:
    """Triples as rows `user: question | assistant: draft | assistant: reply`, feedback beside them.

    limit: most tokens of the context and of the feedback and of the reply, each. in_prompt: the feedback is also
    written into the context, as a user message after the draft. feedback: other feedback for the same rows, in
    their order ("" for none), as the controls need it.
    """
    rows, comments = [], []
    for number, triple in enumerate(triples):
        said = feedback[number] if feedback else triple.feedback
        context = message_ids(tokenizer, "user", triple.question)
        context += message_ids(tokenizer, "assistant", triple.draft)
        comment = tokenizer.encode(said, add_special_tokens=False)[:limit] if said else []
        context = context[-limit:]
        if in_prompt and comment:
            user = message_ids(tokenizer, "user", "")
            context += [user[0], *comment, user[1]]
        reply = message_ids(tokenizer, "assistant", triple.reply)[: limit + 1]
        rows.append((context, reply))
        comments.append(comment)
    length = max(len(context) + len(reply) for context, reply in rows) - 1
    pad = tokenizer.pad_token_id
    ids = torch.full((len(rows), length), pad)
    targets = torch.full((len(rows), length), -100)
    mask = torch.zeros(len(rows), length, dtype=torch.long)
    widest = max(1, *(len(comment) for comment in comments))
    feedback_ids = torch.full((len(rows), widest), pad)
    feedback_mask = torch.zeros(len(rows), widest, dtype=torch.long)
    for row, ((context, reply), comment) in enumerate(zip(rows, comments, strict=True)):
        whole = torch.tensor([*context, *reply])
        ids[row, : len(whole) - 1] = whole[:-1]
        mask[row, : len(whole) - 1] = 1
        targets[row, len(context) : len(whole) - 1] = whole[len(context) + 1 :]
        feedback_ids[row, : len(comment)] = torch.tensor(comment, dtype=torch.long)
        feedback_mask[row, : len(comment)] = 1
    return TripleBatch(ids, mask, targets, feedback_ids, feedback_mask)
