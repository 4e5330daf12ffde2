"""Comments on drafts read by a trained network: what must be in the reply and what not, how it begins and ends, how
much of what it holds, and the forms it takes."""
