"""``python -m services.gateway`` serves; ``… create-key`` makes an API key and prints it."""

from services.gateway.app import main

if __name__ == "__main__":
    main()
