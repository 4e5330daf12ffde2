"""Antiphon as an MCP server: search, ask, teach and why, over HTTP and over standard input and output."""
