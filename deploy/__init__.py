"""How Antiphon is put on machines: the embedded stack, images, compose, Helm."""
