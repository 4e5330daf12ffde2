"""Any Hugging Face causal language model through its own module: slower than the slot engine, same answers."""

from __future__ import annotations

import copy
from collections import OrderedDict, abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from services.generator.decoding.words import Vocabulary
from services.generator.engine.backends.codec import TokenizerCodec
from services.generator.engine.backends.fusion_heads import FusionHeads
from services.generator.engine.backends.processors import forked_processors, sequence_processors
from services.generator.engine.backends.session_kv_cache import SessionKey, common_prefix
from services.generator.engine.backends.token_choice import choose, read
from services.generator.engine.errors import UnknownVersion

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from services.generator.decoding.token_processor import TokenProcessor
    from services.generator.engine.sequence import Sequence
    from services.models.adapter import Adapter
    from services.models.fusion import FusionHead


class _Open:
    """A sequence's cache, the ids in it, and its processors."""

    __slots__ = ("cache", "ids", "key", "logits", "processors")

    def __init__(self, key: SessionKey, processors: list[TokenProcessor]) -> None:
        self.key = key
        self.cache: Any = None
        self.ids: list[int] = []
        self.logits = torch.empty(0)
        self.processors = processors


class ModuleBackend:
    """Sequences run one by one, each with a cache of the model's own kind, so that every architecture is right.

    A session keeps its cache between turns where the cache can be cropped to the common beginning.
    """

    def __init__(
        self,
        module: PreTrainedModel,
        codec: TokenizerCodec,
        version: str,
        capacity: int,
        context_limit: int,
        memory_bytes: int,
        device: str = "cpu",
        module_of: Callable[[Adapter], PreTrainedModel] | None = None,
    ) -> None:
        self._module: Any = module.to(device)  # type: ignore[arg-type]
        self._modules: dict[str, Any] = {version: self._module}
        self._module_of = module_of
        self._users: dict[str, int] = {}
        self._codec = codec
        self._base = version
        self._capacity = capacity
        self._context_limit = context_limit
        self._device = device
        self._budget = memory_bytes
        self._kept: OrderedDict[SessionKey, _Open] = OrderedDict()
        self._open = 0
        self._evictions = 0
        self._vocabulary: Vocabulary | None = None
        self._current: abc.Sequence[Sequence] = ()
        self._heads = FusionHeads(device)
        self._module.get_output_embeddings().register_forward_pre_hook(self._fuse)

    @property
    def codec(self) -> TokenizerCodec:
        """The base model's tokenizer."""
        return self._codec

    @property
    def capacity(self) -> int:
        """Rows open together."""
        return self._capacity

    @property
    def context_limit(self) -> int:
        """Tokens of prompt and reply."""
        return self._context_limit

    @property
    def kernel(self) -> str:
        """The arithmetic, for manifests."""
        return f"module-{self.dtype}"

    @property
    def dtype(self) -> str:
        """Of weights and caches, for manifests."""
        return str(self._module.dtype).removeprefix("torch.")

    @property
    def proposes(self) -> bool:
        """There are logits."""
        return True

    def admit(self, sequence: Sequence) -> bool:
        """Give the sequence its session's cache, cropped to what it shares with the prompt."""
        request = sequence.request
        if request.version not in self._modules:
            raise UnknownVersion(f"model version {request.version} is not loaded")
        self._heads.check(sequence)
        if self._open >= self._capacity:
            return False
        key = (request.tenant, request.session, request.version)
        sequence.memory = memory = _Open(key, sequence_processors(sequence, self._words, self._codec.end_ids))
        kept = self._kept.pop(key, None)
        if kept is not None:
            known = min(common_prefix(kept.ids, sequence.ids), sequence.unread - 1)
            if self._crop(kept, known):
                memory.cache, memory.ids = kept.cache, kept.ids[:known]
                sequence.known = sequence.reused = known
        self._open += 1
        self._users[request.version] = self._users.get(request.version, 0) + 1
        self._heads.open(sequence)
        return True

    def prefill(self, sequences: abc.Sequence[Sequence], budget: int) -> int:
        """Run the sequences' next prompt tokens."""
        done = 0
        for sequence in sequences:
            count = min(sequence.missing, budget - done)
            if count <= 0:
                break
            self._run(
                (),
                sequence,
                sequence.ids[sequence.known : sequence.known + count],
                keep=0 if sequence.request.read else 1,
            )
            done += count
        return done

    def step(self, sequences: abc.Sequence[Sequence]) -> list[list[int]]:
        """Run each sequence's last token and choose its next."""
        logits = torch.cat([self._last(sequence) for sequence in sequences])
        chosen = choose(logits, sequences, lambda sequence: sequence.memory.processors, self._codec.end_ids)
        return [[] if sequence.branches else [token] for sequence, token in zip(sequences, chosen, strict=True)]

    def _last(self, sequence: Sequence) -> Tensor:
        """The logits after the sequence's last token; those of before where a step failed behind them."""
        memory: _Open = sequence.memory
        if sequence.known < len(sequence.ids):
            memory.logits = self._run([sequence], sequence, sequence.ids[-1:])
        return memory.logits

    def fork(self, sequence: Sequence, other: Sequence) -> bool:
        """Give another sequence a copy of the sequence's cache."""
        self._heads.check(other)
        fresh = other.memory is None
        if fresh and self._open >= self._capacity:
            return False
        if not fresh:
            self._heads.close(other)
        source: _Open = sequence.memory
        processors = forked_processors(sequence, other, source.processors, self._words, self._codec.end_ids)
        other.memory = memory = _Open(source.key, processors)
        memory.cache, memory.ids = copy.deepcopy(source.cache), list(source.ids)
        other.known = other.reused = sequence.known
        self._open += fresh
        self._users[sequence.request.version] += fresh
        self._heads.open(other)
        return True

    def release(self, sequence: Sequence, keep: bool) -> None:
        """Keep or drop the sequence's cache."""
        memory: _Open = sequence.memory
        sequence.memory = None
        self._open -= 1
        self._users[sequence.request.version] -= 1
        self._heads.close(sequence)
        if keep and memory.ids:
            self._kept[memory.key] = memory
            self._kept.move_to_end(memory.key)
        while self._kept and sum(map(self._bytes, self._kept.values())) > self._budget:
            self._kept.popitem(last=False)
            self._evictions += 1

    def forget(self, tenant: str, session: str) -> None:
        """Drop the session's caches."""
        for key in [key for key in self._kept if key[:2] == (tenant, session)]:
            del self._kept[key]

    def prepare_version(self, adapter: Adapter) -> PreTrainedModel:
        """The model with the version's pairs merged into its weights."""
        if self._module_of is None:
            raise UnknownVersion("this backend was made for the base model alone")
        return self._module_of(adapter)

    def load_version(self, version: str, prepared: object) -> None:
        """Serve sequences of `version` by the model that `prepare_version` made."""
        if version not in self._modules:
            model: Any = prepared
            self._modules[version] = model.to(self._device)
            self._modules[version].get_output_embeddings().register_forward_pre_hook(self._fuse)

    def unload_version(self, version: str) -> bool:
        """Drop the version's model and caches, unless a sequence is open on it."""
        if version == self._base or self._users.get(version, 0):
            return False
        self._modules.pop(version, None)
        for key in [key for key in self._kept if key[2] == version]:
            del self._kept[key]
        return True

    def load_head(self, name: str, head: FusionHead) -> None:
        """Serve sequences that name the head by it."""
        self._heads.load(name, head)

    def unload_head(self, name: str) -> bool:
        """Drop the head, unless a sequence is open on it."""
        return self._heads.unload(name)

    def figures(self) -> dict[str, float]:
        """Sequences open, sessions and bytes remembered, evictions so far."""
        return {
            "slots_open": float(self._open),
            "sessions_remembered": float(len(self._kept)),
            "memory_bytes": float(sum(map(self._bytes, self._kept.values()))),
            "evictions": float(self._evictions),
        }

    def close(self) -> None:
        """Drop all caches."""
        self._kept.clear()

    @torch.inference_mode()
    def _run(self, sequences: abc.Sequence[Sequence], sequence: Sequence, ids: list[int], keep: int = 1) -> Tensor:
        """The logits after the last of the sequence's next `ids`; `keep` 0 computes all and reads a reply by them."""
        memory: _Open = sequence.memory
        if memory.cache is None:
            memory.cache = self._new_cache()
        tokens = torch.tensor([ids], device=self._device)
        module = self._modules[sequence.request.version]
        inputs = module.get_input_embeddings()(tokens.clamp_min(0))
        for at, token in enumerate(ids):
            if (vector := sequence.request.soft.get(token)) is not None:
                inputs[0, at] = vector.to(inputs)
        self._current = sequences
        feedback = {}
        if sequence.request.feedback and getattr(module, "takes_feedback", False):
            feedback["feedback_ids"] = torch.tensor([sequence.request.feedback], device=self._device)
        positions = torch.arange(sequence.known, sequence.known + len(ids), device=self._device)
        out = module(
            inputs_embeds=inputs,
            position_ids=positions[None],
            attention_mask=torch.ones((1, sequence.known + len(ids)), dtype=torch.long, device=self._device),
            past_key_values=memory.cache,
            use_cache=True,
            logits_to_keep=keep,
            **feedback,
        )
        end = sequence.known + len(ids)
        if keep == 0 and end >= sequence.unread:
            read(sequence, out.logits[0, max(sequence.unread - 1 - sequence.known, 0) :], end)
        memory.ids += ids
        sequence.known += len(ids)
        logits: Tensor = out.logits[:, -1].float()
        return logits

    def _fuse(self, module: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        hidden = inputs[0][:, -1]
        fused = self._heads.fuse(hidden, self._current)
        return None if fused is hidden else (fused[:, None], *inputs[1:])

    def _new_cache(self) -> Any:
        """The cache the model itself makes (a memory of its own kind), else the usual one."""
        from transformers import DynamicCache

        make = getattr(self._module, "new_cache", None)
        return DynamicCache(config=self._module.config) if make is None else make()

    def _crop(self, kept: _Open, known: int) -> bool:
        """Cut a cache back to `known` tokens; False where its kind can't be cut."""
        if known == len(kept.ids):
            return True
        if known == 0 or any(getattr(layer, "is_sliding", False) for layer in kept.cache.layers):
            return False
        try:
            kept.cache.crop(known - len(kept.ids))  # newer versions take negative counts only
        except Exception:
            return False
        return int(kept.cache.get_seq_length()) == known

    def _bytes(self, memory: _Open) -> int:
        total = 0
        for layer in getattr(memory.cache, "layers", ()):
            for part in (getattr(layer, "keys", None), getattr(layer, "values", None)):
                if isinstance(part, Tensor):
                    total += part.numel() * part.element_size()
        return total

    def _words(self) -> Vocabulary:
        if self._vocabulary is None:
            self._vocabulary = Vocabulary(self._codec)
        return self._vocabulary
