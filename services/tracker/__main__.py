"""``python -m services.tracker`` starts a tracker."""

from services.tracker.app import main

main()
