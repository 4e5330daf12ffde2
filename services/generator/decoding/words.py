"""Token processors that keep words out of a draft or bring them in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor

BAN = float("-inf")
_TABLES = 256
_GUIDES = 64
_TAIL = 64  # bytes of the draft that a word could still be joined with


class Spelling(Protocol):
    """What is needed of a tokenizer."""

    @property
    def size(self) -> int:
        """Ids there are, added ones included."""
        ...

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`; markers become their special ids."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Text of `ids`."""
        ...

    def spelling(self, token: int) -> bytes:
        """The bytes that a token adds; none for a control token."""
        ...


class Vocabulary:
    """The spelling of every token, for finding those that complete or contain a word."""

    def __init__(self, codec: Spelling) -> None:
        self.codec = codec
        self.size = codec.size
        self.spellings = [codec.spelling(token) for token in range(self.size)]
        self._folded = [spelling.lower() for spelling in self.spellings]
        self._tables: dict[str, Tensor] = {}
        self._tokenizer: Any = None
        self._guides: dict[str, Any] = {}
        self.completions = lru_cache(maxsize=512)(self._completions)
        self.ways = lru_cache(maxsize=512)(self._ways)

    def encode(self, text: str) -> list[int]:
        """Tokens that write `text`; a control token that somebody's words spell is left out."""
        return [token for token in self.codec.encode(text) if self.spellings[token]]

    def commands(self, text: str) -> bool:
        """Whether the text spells a control token."""
        return any(not self.spellings[token] for token in self.codec.encode(text))

    def guide(self, grammar: str, end: int) -> Any:
        """A new matcher of llguidance's that tells which tokens go on with a text of the grammar; `end` is the token
        that ends it."""
        if self._tokenizer is None:
            self._tokenizer = _guided(self, end)
        if grammar not in self._guides:
            from llguidance import LLMatcher

            if len(self._guides) >= _GUIDES:
                self._guides.clear()
            self._guides[grammar] = LLMatcher(self._tokenizer, grammar, log_level=0)
        return self._guides[grammar].deep_copy()

    def matching(self, name: str, wanted: Callable[[bytes], bool]) -> Tensor:
        """Ids of the tokens whose spelling is `wanted`; looked for once for each `name`."""
        return self.table(name, lambda: [i for i, spelling in enumerate(self.spellings) if wanted(spelling)])

    def table(self, name: str, made: Callable[[], Sequence[int] | Sequence[Sequence[int]]]) -> Tensor:
        """A table of ids `[…]` that is made once for each `name`."""
        if name not in self._tables:
            if len(self._tables) >= _TABLES:
                self._tables.clear()  # names can come from users
            self._tables[name] = _tensor(made())
        return self._tables[name]

    def tables(self) -> list[Tensor]:
        """All tables made so far."""
        return list(self._tables.values())

    def _completions(self, word: bytes) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
        """Tokens that hold the word after a boundary of their own, that begin with the word, and, for each
        j ≥ 1, that begin with the word's rest from byte j."""
        inner = [i for i, s in enumerate(self._folded) if _holds(s, word)]
        begins = [i for i, s in enumerate(self._folded) if s.startswith(word) and _ends_word(s, len(word), word)]
        rests = []
        for j in range(1, len(word)):
            rest = word[j:]
            rests.append(
                [i for i, s in enumerate(self._folded) if s.startswith(rest) and _ends_word(s, len(rest), word)]
            )
        as_tensor = [_tensor(ids) for ids in (inner, begins, *rests)]
        return as_tensor[0], as_tensor[1], tuple(as_tensor[2:])

    def _ways(self, word: str) -> tuple[tuple[int, ...], ...]:
        """Token sequences that write the word: within a line and at a line's beginning."""
        return tuple(dict.fromkeys(tuple(self.encode(form)) for form in (f" {word}", word)))


class ForbidWords:
    """No token may complete one of the words, in any case of letters, inflected, and however it is cut into tokens.

    A word is matched from a word boundary; what merely begins with it ("cat" in "catalogue") may be refused
    too, since the next token is not known yet.
    """

    def __init__(self, vocabulary: Vocabulary, words: Sequence[str]) -> None:
        self._vocabulary = vocabulary
        joined = [word.strip().replace(" ", mark) for word in words if " " in word.strip() for mark in ("", "-")]
        written = [form for word in [*words, *joined] for form in inflections(word.strip())]
        folded = {form.encode().lower() for word in written for form in (word, word.lower(), word.upper())}
        self._words = [word.strip() for word in folded if word.strip()]

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Ban what would complete a word after `generated`."""
        tail = self._tail(generated)
        for word in self._words:
            inner, begins, rests = self._vocabulary.completions(word)
            logits[inner] = BAN
            if not tail or not _wordly(tail[-1:]) or not _wordly(word[:1]):
                logits[begins] = BAN
            for j in range(1, len(word)):
                if tail.endswith(word[:j]) and _starts_word(tail, len(tail) - j, word):
                    logits[rests[j - 1]] = BAN
        return logits

    def _tail(self, generated: Sequence[int]) -> bytes:
        spellings = self._vocabulary.spellings
        return b"".join(spellings[i] for i in generated[-_TAIL:] if i < len(spellings)).lower()[-_TAIL * 4 :]


class IncludeWords:
    """The draft does not end before each word has appeared.

    Each missing word's first token is boosted by up to `strength` logits, more as the draft nears `horizon`
    tokens; a word that was begun is brought to its end. When the model wants to end too soon, the first missing
    word is written instead. With a draft of `limit` tokens the words come in time for the end.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        words: Sequence[str],
        end_ids: frozenset[int],
        limit: int,
        strength: float = 6.0,
        horizon: int = 48,
    ) -> None:
        self._vocabulary = vocabulary
        self._words = [word.strip() for word in words if word.strip() and not vocabulary.commands(word)]
        self._ends = list(end_ids)
        self._limit = limit
        self._strength = strength
        self._horizon = min(horizon, limit)
        self._writing: list[int] = []

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Boost, continue or force the missing words after `generated`."""
        spellings = self._vocabulary.spellings
        written = b"".join(spellings[i] for i in generated if i < len(spellings)).lower()
        missing = [word for word in self._words if word.encode().lower() not in written]
        if self._writing:
            return only(logits, self._writing.pop(0))
        if not missing:
            return logits
        line_begins = not written or written.endswith((b"\n", b" "))
        paths = []
        for word in missing:
            ways = self._vocabulary.ways(word)
            paths.append(ways[-1] if line_begins else ways[0])
        wanted = sum(map(len, paths))
        ending = bool(int(logits.argmax()) in self._ends)
        if ending or len(generated) + wanted + 1 >= self._limit:
            first, *self._writing = paths[0]
            return only(logits, first)
        logits[self._ends] = BAN
        push = self._strength * min(1.0, (len(generated) + 1) / self._horizon)
        before = int(logits.argmax())
        for path in paths:
            logits[path[0]] += push
        after = int(logits.argmax())
        begun = next((path for path in paths if path[0] == after), None)
        if begun is not None and len(begun) > 1 and (after != before):
            self._writing = list(begun[1:])
            return only(logits, after)
        return logits


def only(logits: Tensor, token: int) -> Tensor:
    """Leave one token, even one that was refused."""
    kept = logits[token].clone()
    logits.fill_(BAN)
    logits[token] = kept if kept.isfinite() else 0.0
    return logits


def inflections(phrase: str) -> tuple[str, ...]:
    """The phrase and its regular inflections, as the checks of constraints know them."""
    last = phrase.split()[-1].lower() if phrase.split() else ""
    if len(last) < 3 or not (last.isascii() and last.isalpha()):
        return (phrase,)
    endings: tuple[str, ...]
    if last.endswith(("s", "x", "z", "ch", "sh")):
        endings = ("es", "'", "’", "'s", "’s")
    elif last.endswith("e"):
        endings = ("s", "d", "r", "'s", "’s")
    else:
        endings = ("s", "ed", "ing", "'s", "’s", "s'", "s’")
    return (phrase, *(phrase + ending for ending in endings))


def _guided(vocabulary: Vocabulary, end: int) -> Any:
    """The vocabulary as llguidance has it; control tokens are none of a text's."""
    from llguidance import LLTokenizer, TokenizerWrapper

    class Spelled:
        eos_token_id = end
        bos_token_id = None
        tokens = tuple(spelling or b"\xff[%d]" % token for token, spelling in enumerate(vocabulary.spellings))
        special_token_ids = tuple(token for token, spelling in enumerate(vocabulary.spellings) if not spelling)

        def __call__(self, text: bytes | str) -> list[int]:
            return vocabulary.encode(text if isinstance(text, str) else text.decode("utf-8", "replace"))

    return LLTokenizer(TokenizerWrapper(Spelled()))


def _tensor(ids: Sequence[int] | Sequence[Sequence[int]]) -> Tensor:
    import torch  # here: an engine without a model has no logits and needs no torch

    return torch.tensor(ids, dtype=torch.long)


def _wordly(byte: bytes) -> bool:
    return byte.isalnum() and byte < b"\x80"


def _starts_word(text: bytes, at: int, word: bytes) -> bool:
    return at == 0 or not (_wordly(word[:1]) and _wordly(text[at - 1 : at]))


def _ends_word(text: bytes, at: int, word: bytes) -> bool:
    return at >= len(text) or not (_wordly(word[-1:]) and _wordly(text[at : at + 1]))


def _holds(text: bytes, word: bytes) -> bool:
    at = text.find(word, 1)
    while at > 0:
        if _starts_word(text, at, word) and _ends_word(text, at + len(word), word):
            return True
        at = text.find(word, at + 1)
    return False
