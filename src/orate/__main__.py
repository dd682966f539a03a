"""`python -m orate`: the command line."""

from orate.cli.main import main

if __name__ == "__main__":
    main()
