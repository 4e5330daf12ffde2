"""The base model's spelling of tokens for readers of feedback."""

from __future__ import annotations

import torch
from torch import Tensor

from services.finetune.training.texts import Texts


class TextsCodec:
    """`FeedbackReader`'s codec over the training's own tokenizer."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._spelled: dict[int, bytes] = {}

    @property
    def size(self) -> int:
        """Ids there are."""
        return self._texts.vocabulary

    def encode(self, text: str) -> list[int]:
        """Token ids, nothing added."""
        return self._texts.encode(text)

    def spelling(self, token: int) -> bytes:
        """The bytes a token adds; none for a control token."""
        if token not in self._spelled:
            self._spelled[token] = self._texts.decode([token]).encode()
        return self._spelled[token]

    def masks(self) -> dict[str, Tensor]:
        """For kinds of edits that forbid letters or marks, the tokens that hold them: `[vocabulary]` booleans."""
        spelled = [self.spelling(token).decode("utf-8", "ignore") for token in range(self.size)]
        return {
            "lower": torch.tensor([any(c.isupper() for c in text) for text in spelled]),
            "upper": torch.tensor([any(c.islower() for c in text) for text in spelled]),
            "no_comma": torch.tensor(["," in text for text in spelled]),
        }
