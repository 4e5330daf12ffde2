"""How a draft is revised after feedback: what may change, which candidates are written, and which of them is best."""
