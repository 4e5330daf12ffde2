"""What the model reads of a turn: the prompt's token ids and the sentences beside people's own words."""
