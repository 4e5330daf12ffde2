"""A small byte-level BPE vocabulary with a chat template, trained on the corpus and saved beside the model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"
END_OF_MESSAGE = "<|end|>"
ROLES = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}

CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def train_vocabulary(texts: Iterable[str], size: int) -> Any:
    """A byte-level BPE tokenizer (Sennrich et al. 2016, section 3.2) of at most `size` tokens for `texts`.

    Any text can be written with it, bytes being its alphabet. Messages end with <|end|>, which is also the token
    generation stops at; documents end with <|endoftext|>, which pads too.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[END_OF_TEXT, END_OF_MESSAGE, *ROLES.values()],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        additional_special_tokens=[END_OF_MESSAGE, *ROLES.values()],
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def message_ids(tokenizer: Any, role: str, text: str) -> list[int]:
    """One message in the chat template's form: role token, text, <|end|>."""
    start, end = tokenizer.convert_tokens_to_ids([ROLES[role], END_OF_MESSAGE])
    return [start, *tokenizer.encode(text, add_special_tokens=False), end]
