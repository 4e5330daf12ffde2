"""An own short forward pass for Llama-shaped language models (Llama, Mistral, Qwen 2 and 3, SmolLM)."""
