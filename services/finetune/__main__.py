"""``python -m services.finetune`` works on feedback batches and trainings."""

from services.finetune.app import main

main()
