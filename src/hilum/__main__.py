"""`python -m hilum` is the command `hilum`."""

from hilum.cli.main import main

if __name__ == "__main__":
    main()
