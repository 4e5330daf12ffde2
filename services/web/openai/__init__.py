"""OpenAI's APIs over the contract: chat completions, models, responses."""
