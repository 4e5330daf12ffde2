"""The interactive transformer: importing this package makes transformers' Auto classes know it."""

from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

from services.models.interactive_transformer.config import InteractiveTransformerConfig
from services.models.interactive_transformer.memory import SegmentMemory
from services.models.interactive_transformer.model import (
    InteractiveTransformer,
    InteractiveTransformerForCausalLM,
    InteractiveTransformerModel,
)

__all__ = [
    "InteractiveTransformer",
    "InteractiveTransformerConfig",
    "InteractiveTransformerForCausalLM",
    "InteractiveTransformerModel",
    "SegmentMemory",
]

AutoConfig.register(InteractiveTransformerConfig.model_type, InteractiveTransformerConfig, exist_ok=True)
AutoModel.register(InteractiveTransformerConfig, InteractiveTransformerModel, exist_ok=True)
AutoModelForCausalLM.register(InteractiveTransformerConfig, InteractiveTransformerForCausalLM, exist_ok=True)
