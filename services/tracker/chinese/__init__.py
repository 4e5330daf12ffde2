"""The learned tracker of Chinese: a small network over characters that reads a schema by its own words."""
