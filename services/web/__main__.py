"""``python -m services.web`` serves HTTP."""

from services.web.app import main

if __name__ == "__main__":
    main()
