"""The model's input: tokens, positions, the dialogue-state vector and the knowledge vectors in one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from services.models.interactive_transformer.config import InteractiveTransformerConfig
from services.models.interactive_transformer.layers import ZeroLinear
from services.models.interactive_transformer.positions import sinusoids


class InputEmbedding(nn.Module):
    """x_t = W [E(token_t) ; state] + fused knowledge (+ absolute position).

    The dialogue-state vector is concatenated to every token's embedding and brought back to the hidden size:
    W [e ; s] is computed as e + W_s s, W's token half held at the identity. The knowledge vectors k_1..k_n
    are fused by one attention head per token, x_t + W_o sum_j softmax_j(W_q x_t . W_k k_j) W_v k_j, W_o starting at
    zero. A state of zeros and absent knowledge leave the embedding as it is, bit by bit.
    """

    def __init__(self, config: InteractiveTransformerConfig) -> None:
        super().__init__()
        self.tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.size = config.hidden_size
        self.limit = config.max_position_embeddings if config.positions == "absolute" else None
        if config.state_size:
            self.state = nn.Linear(config.state_size, config.hidden_size, bias=False)
        if config.knowledge_size:
            self.knowledge_query = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
            self.knowledge_key = nn.Linear(config.knowledge_size, config.hidden_size, bias=False)
            self.knowledge_value = nn.Linear(config.knowledge_size, config.hidden_size, bias=False)
            self.knowledge_output = ZeroLinear(config.hidden_size, config.hidden_size, bias=False)

    def forward(
        self,
        embedded: Tensor,
        positions: Tensor,
        state: Tensor | None = None,
        knowledge: Tensor | None = None,
        knowledge_mask: Tensor | None = None,
    ) -> Tensor:
        """embedded [batch, segment, hidden] -> the first layer's input, same shape.

        positions: [batch or 1, segment], used with absolute positions only. state: [batch, state_size], 0 for
        "no state". knowledge: [batch, n, knowledge_size]; knowledge_mask: [batch, n], 1 for real vectors.
        Raises ValueError for an input the configuration gave no width, or positions past the table.
        """
        hidden = embedded
        if state is not None:
            if not hasattr(self, "state"):
                raise ValueError("this model takes no dialogue-state vector: its state_size is 0")
            hidden = hidden + self.state(state.to(hidden.dtype))[:, None, :]
        if knowledge is not None:
            if not hasattr(self, "knowledge_key"):
                raise ValueError("this model takes no knowledge vectors: its knowledge_size is 0")
            hidden = hidden + self._fuse(hidden, knowledge.to(hidden.dtype), knowledge_mask)
        if self.limit is None:
            return hidden
        if int(positions.max()) >= self.limit:
            raise ValueError(f"position {int(positions.max())} is past the model's {self.limit} positions")
        return hidden + sinusoids(positions.reshape(-1), self.size).view(*positions.shape, -1).to(hidden.dtype)

    def _fuse(self, hidden: Tensor, knowledge: Tensor, mask: Tensor | None) -> Tensor:
        scores = self.knowledge_query(hidden) @ self.knowledge_key(knowledge).transpose(-1, -2) / self.size**0.5
        real = torch.ones(knowledge.shape[:2], device=hidden.device) if mask is None else mask
        scores = scores.masked_fill(~real.bool()[:, None, :], torch.finfo(scores.dtype).min)
        fused = self.knowledge_output(torch.softmax(scores, dim=-1) @ self.knowledge_value(knowledge))
        return torch.as_tensor(fused * real.any(1).to(fused.dtype)[:, None, None])
