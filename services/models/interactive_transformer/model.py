"""The interactive transformer in Hugging Face form: base model, language model, and the mission's constructor."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import DynamicCache, GenerationMixin, PreTrainedModel
from transformers import initialization as init
from transformers.cache_utils import Cache
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from services.models.interactive_transformer.attention import segment_mask
from services.models.interactive_transformer.config import FeedbackEncoderKind, Fusion, InteractiveTransformerConfig
from services.models.interactive_transformer.feedback import (
    FeedbackEncoder,
    GatedFusion,
    GeneralFusion,
    LiteralFusion,
)
from services.models.interactive_transformer.inputs import InputEmbedding
from services.models.interactive_transformer.layers import IdentityLinear, LayerStack, ZeroLinear, ZeroProjection
from services.models.interactive_transformer.memory import Keep, SegmentMemory
from services.models.interactive_transformer.positions import relative_sinusoids

SPARE = 512  # tokens


class InteractiveTransformerPreTrainedModel(PreTrainedModel):
    """What both models share: the configuration's class and the initialisation."""

    config_class = InteractiveTransformerConfig
    config: InteractiveTransformerConfig
    base_model_prefix = "transformer"
    _no_split_modules = ["ResidualLayer", "LiteralLayer"]  # noqa: RUF012  transformers' form

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """The rest as transformers does; embeddings by their own deviation, gates at zero, W_h at the identity."""
        if isinstance(module, nn.Embedding):
            init.normal_(module.weight, mean=0.0, std=self.config.embedding_deviation)
        elif isinstance(module, ZeroLinear | ZeroProjection):
            init.zeros_(module.weight)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, IdentityLinear):
            init.copy_(module.weight, torch.eye(module.in_features) * module.scale)
            if module.bias is not None:
                init.zeros_(module.bias)
        else:
            super()._init_weights(module)

    def new_memory(self, keep: Keep = "projections", length: int | None = None) -> SegmentMemory:
        """An empty memory for one batch of texts; `length` overrides the configuration's memory_length."""
        tokens = self.config.memory_length if length is None else length
        return SegmentMemory(self.config.num_hidden_layers, tokens, keep)

    def new_cache(self) -> Cache:
        """What generation and serving keep: the memory, or all earlier tokens in a model without one.

        With an attention window the memory holds SPARE tokens more than a token can look at, so that the end of
        a prompt can be taken back and written anew (the next turn keeps the beginning); the window hides them.
        Without a window, results past memory_length depend on how a prompt is cut: build a model with
        attention_window <= memory_length + 1 to serve it.
        """
        needed = self.config.attention_window - 1
        if needed > 0:
            return SegmentMemory(self.config.num_hidden_layers, needed + SPARE, needed=needed)
        return self.new_memory() if self.config.memory_length else DynamicCache()


class InteractiveTransformerModel(InteractiveTransformerPreTrainedModel):
    """Input embedding, layers and memory: everything before the fusion with feedback."""

    def __init__(self, config: InteractiveTransformerConfig) -> None:
        super().__init__(config)
        self.inputs = InputEmbedding(config)
        self.layers = LayerStack(config)
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        """The token embedding, [vocab_size, hidden_size]."""
        return self.inputs.tokens

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the token embedding (resizing the vocabulary)."""
        self.inputs.tokens = cast(nn.Embedding, value)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        past_key_values: Cache | None = None,
        use_cache: bool | None = None,
        state: Tensor | None = None,
        knowledge: Tensor | None = None,
        knowledge_mask: Tensor | None = None,
        **unused: Any,
    ) -> BaseModelOutputWithPast:
        """States of the segment's tokens, last_hidden_state [batch, segment, hidden].

        input_ids [batch, segment] or inputs_embeds [batch, segment, hidden]; attention_mask as `segment_mask`
        takes it; past_key_values: the memory, extended by this segment (any transformers cache will do);
        position_ids [batch, segment]: used with absolute positions only. The rest as `InputEmbedding` takes it.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give either input_ids or inputs_embeds")
        embedded = cast(Tensor, self.inputs.tokens(input_ids) if inputs_embeds is None else inputs_embeds)
        segment, device = embedded.shape[1], embedded.device
        if past_key_values is None and (self.config.use_cache if use_cache is None else use_cache):
            past_key_values = self.new_cache()
        seen, first = 0, 0
        if past_key_values is not None:
            seen = int(past_key_values.get_seq_length())
            first = int(past_key_values.get_mask_sizes(segment, 0)[1])
        keys = seen + segment - first
        if position_ids is None:
            position_ids = torch.arange(seen, seen + segment, device=device)[None]
        hidden = self.inputs(embedded, position_ids, state, knowledge, knowledge_mask)
        window = self.config.attention_window
        mask = segment_mask(segment, keys, window, attention_mask, hidden.dtype, device)
        distances = None
        if self.config.positions == "relative":
            distances = relative_sinusoids(keys, self.config.hidden_size, device).to(hidden.dtype)
        hidden = functional.dropout(hidden, self.config.dropout, self.training)
        hidden = self.layers(hidden, mask, distances, past_key_values)
        return BaseModelOutputWithPast(last_hidden_state=hidden, past_key_values=past_key_values)


class InteractiveTransformerForCausalLM(InteractiveTransformerPreTrainedModel, GenerationMixin):
    """The language model: base model -> fusion with feedback -> output layer."""

    _tied_weights_keys = {"lm_head.weight": "transformer.inputs.tokens.weight"}  # noqa: RUF012  transformers' form

    def __init__(self, config: InteractiveTransformerConfig) -> None:
        super().__init__(config)
        self.transformer = InteractiveTransformerModel(config)
        if config.fusion != "none":
            self.feedback_encoder = FeedbackEncoder(config)
        if config.fusion == "literal":
            self.fusion: nn.Module = LiteralFusion()
        elif config.fusion == "general":
            self.fusion = GeneralFusion(config.hidden_size)
        elif config.fusion == "gated":
            self.fusion = GatedFusion(config.hidden_size)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    @property
    def takes_feedback(self) -> bool:
        """Whether `feedback_ids` may be given."""
        return self.config.fusion != "none"

    def forward(
        self,
        input_ids: Tensor | None = None,
        feedback_ids: Tensor | None = None,
        feedback_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        past_key_values: Cache | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **inputs: Any,
    ) -> CausalLMOutputWithPast:
        """Next-token logits [batch, segment, vocab_size].

        feedback_ids: [batch, tokens] of the feedback this text answers to; feedback_mask: the same shape, 1 for
        real tokens (default: all); a row of zeros has no feedback. labels: [batch, segment], shifted inside,
        -100 ignored; the mean negative log-likelihood in nats is `loss`. logits_to_keep: only that many of the
        last positions (0: all). `inputs` (state, knowledge, knowledge_mask) go to the base model.
        """
        output = self.transformer(
            input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            past_key_values=past_key_values,
            use_cache=use_cache,
            **inputs,
        )
        hidden = output.last_hidden_state
        if not isinstance(logits_to_keep, int):
            hidden = hidden[:, logits_to_keep]
        elif logits_to_keep:
            hidden = hidden[:, -logits_to_keep:]
        logits = self.lm_head(self.fuse(hidden, feedback_ids, feedback_mask))
        loss = None
        if labels is not None:
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=self.config.vocab_size)
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=output.past_key_values)

    def fuse(self, hidden: Tensor, feedback_ids: Tensor | None, feedback_mask: Tensor | None = None) -> Tensor:
        """h' from the last layer's h [batch, segment, hidden] and the feedback; the fusion the model was built with.

        Raises ValueError when a model without fusion is given feedback: it would be ignored in silence.
        """
        if self.config.fusion == "none":
            if feedback_ids is not None:
                raise ValueError("this model takes no feedback: its fusion is 'none'")
            return hidden
        if feedback_ids is None:
            return cast(Tensor, self.fusion(hidden, None))
        mask = torch.ones_like(feedback_ids) if feedback_mask is None else feedback_mask
        states = self.feedback_encoder.states(self.transformer.inputs.tokens(feedback_ids), mask)
        vector = self.feedback_encoder(hidden, states, mask)
        if isinstance(self.fusion, GatedFusion):
            return cast(Tensor, self.fusion(hidden, vector, mask.any(1)))
        return cast(Tensor, self.fusion(hidden, vector))

    def _prepare_cache_for_generation(
        self, generation_config: Any, model_kwargs: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Let `generate` carry the memory unless the caller brought a cache of his own."""
        wanted = generation_config.use_cache is not False and generation_config.cache_implementation is None
        if wanted and model_kwargs.get("past_key_values") is None:
            model_kwargs["past_key_values"] = self.new_cache()
            return None
        prepare = cast(Any, super())._prepare_cache_for_generation
        return prepare(generation_config, model_kwargs, *args, **kwargs)


def fresh_feedback_path(
    path: str | Path, fusion: Fusion, feedback_encoder: FeedbackEncoderKind
) -> InteractiveTransformerForCausalLM:
    """A saved model's body (float32) under a new, untrained feedback encoder and fusion of the kinds asked for."""
    body = InteractiveTransformerForCausalLM.from_pretrained(path, dtype=torch.float32)
    changed = {"fusion": fusion, "feedback_encoder": feedback_encoder, "initializer_range": 0.0}
    config = InteractiveTransformerConfig(**(body.config.to_diff_dict() | changed))
    model = InteractiveTransformerForCausalLM(config)
    model.transformer.load_state_dict(body.transformer.state_dict())
    model.lm_head.load_state_dict(body.lm_head.state_dict())
    model.tie_weights()
    return model


class InteractiveTransformer(InteractiveTransformerForCausalLM):
    """The mission's constructor and call: `InteractiveTransformer(vocab, hidden, layers, heads, max_len)`,
    `model(input_ids, feedback_ids).logits`.

    h = layers(E(input_ids) + PE); v = W mean(E(feedback_ids)) + b; logits = W_out tanh(h + v). `options` are
    fields of InteractiveTransformerConfig, such as fusion="general" for tanh(W_h h + W_f v + b). Saved and loaded
    as InteractiveTransformerForCausalLM.
    """

    def __init__(
        self, vocab_size: int, hidden_size: int, num_layers: int, num_heads: int, max_len: int, **options: Any
    ) -> None:
        super().__init__(
            InteractiveTransformerConfig.mission(vocab_size, hidden_size, num_layers, num_heads, max_len, **options)
        )

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:
        """The saved model, in the general form (a saved configuration says more than five numbers)."""
        return InteractiveTransformerForCausalLM.from_pretrained(*args, **kwargs)
