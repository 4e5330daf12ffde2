"""``python -m services.cli`` is the `antiphon` command."""

from services.cli.app import main

main()
