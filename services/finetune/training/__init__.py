"""Low-rank training of the configured base model, and its judging by greedy decoding."""
