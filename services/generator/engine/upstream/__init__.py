"""The engine whose model is served elsewhere: llama.cpp's server, vLLM, or any server of OpenAI's chat completions.

| Module | What it holds |
|---|---|
| `piece_codec` | prompts as ids without a tokenizer, and the messages that such a prompt consists of |
| `wire` | what is sent to a server and what comes back, in each dialect |
| `shaping` | constraints as grammar, choice and forbidden words |
| `probe` | what a server is and can do, by experiment |
| `rows` | places for drafts, and the line before them |
| `engine` | drafts over one client thread |
"""
