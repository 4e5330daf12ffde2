"""The description of the OpenAI-shaped endpoints (OpenAPI 3.1), made from what reads their requests."""
