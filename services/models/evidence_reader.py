"""Reads a question and a text together and says whether the text answers it.

The lower layers of the sentence encoder read both by themselves, so that a text's states are computed once and kept;
the upper layers, trained for it, read both at once (Cao et al. 2020, DeFormer).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from services.models.int8_rows import read_int8
from services.models.sentence_encoder import SHARED_DEPTH, SentenceEncoder

READER = Path(__file__).parent / "weights" / "evidence" / "reader.safetensors"
DEPTH = SHARED_DEPTH
MAX_PIECES = 128


@dataclass
class Head:
    """What follows the last layer. `segment`: [2, width], `inner`: [hidden, 4 * width], `outer`: [1, hidden]."""

    segment: Tensor
    inner: Tensor
    inner_bias: Tensor
    outer: Tensor
    outer_bias: Tensor

    @classmethod
    def of(cls, weights: dict[str, Tensor]) -> Head:
        """The head of a file's weights, `reader.` before each name. Raises KeyError."""
        return cls(**{name: weights[f"reader.{name}"] for name in cls.__dataclass_fields__})

    def weights(self) -> dict[str, Tensor]:
        """The weights by their names in a file."""
        return {f"reader.{name}": getattr(self, name) for name in self.__dataclass_fields__}


class EvidenceReader:
    """Logits of "this text answers the question"; above 0 is yes. Threads may share it."""

    def __init__(self, encoder: SentenceEncoder, head: Head) -> None:
        """`encoder` holds the trained upper layers, its lower ones untouched."""
        self._encoder = encoder
        self._head = head

    @classmethod
    def load(cls, encoder: SentenceEncoder, file: Path = READER) -> EvidenceReader:
        """The trained reader over the bundled encoder.

        Raises EncoderNotFound of `encoder_files` where there is no such file.
        """
        tuned = encoder.tuned(file)
        weights, _ = read_int8(file)
        return cls(tuned, Head.of(weights))

    @torch.inference_mode()
    def states(self, texts: Sequence[str]) -> list[Tensor]:
        """What the lower layers make of each text, cut at MAX_PIECES: [pieces, width] each."""
        return self._encoder.lower_states(texts, DEPTH, MAX_PIECES)

    def read(self, question: str, texts: Sequence[str]) -> list[float]:
        """A logit for each text."""
        asked, *states = self.states([question, *texts])
        return self.logits(asked, states)

    @torch.inference_mode()
    def logits(self, question: Tensor, texts: Sequence[Tensor]) -> list[float]:
        """A logit for each text; `question` and `texts` as `states` gives them."""
        if not texts:
            return []
        logits: list[float] = joint_logits(self._encoder, self._head, [question] * len(texts), texts).tolist()
        return logits


def joint_logits(encoder: SentenceEncoder, head: Head, questions: Sequence[Tensor], texts: Sequence[Tensor]) -> Tensor:
    """Logits of pairs of lower states, float32 [pairs]; differentiable in the upper layers and the head."""
    asked = max(len(states) for states in questions)
    length = asked + max(len(states) for states in texts)
    width = questions[0].shape[1]
    hidden = torch.zeros((len(texts), length, width), dtype=questions[0].dtype)
    mask = torch.zeros((len(texts), length), dtype=torch.bool)
    for row, (question, text) in enumerate(zip(questions, texts, strict=True)):
        hidden[row, : len(question)] = question
        mask[row, : len(question)] = True
        hidden[row, asked : asked + len(text)] = text
        mask[row, asked : asked + len(text)] = True
    segments = torch.cat([head.segment[:1].expand(asked, -1), head.segment[1:].expand(length - asked, -1)])
    hidden = encoder.bert.upper_states(hidden + segments.to(hidden.dtype), mask, DEPTH).float()
    weight = mask.unsqueeze(-1).float()
    hidden = hidden * weight
    of_question = hidden[:, :asked].sum(1) / weight[:, :asked].sum(1)
    of_text = hidden[:, asked:].sum(1) / weight[:, asked:].sum(1)
    pooled = torch.cat([hidden[:, 0], hidden[:, asked], of_question, of_text], 1)
    inner = F.gelu(F.linear(pooled, head.inner, head.inner_bias))
    return F.linear(inner, head.outer, head.outer_bias).squeeze(1)
