"""`python -m services.knowledge ground|jobs`."""

from services.knowledge.app import main

main()
