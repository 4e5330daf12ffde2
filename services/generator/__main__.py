"""``python -m services.generator`` starts a generator."""

from services.generator.app import main

main()
