"""`python -m unlossy`: the command line."""

from unlossy.cli.main import main

if __name__ == "__main__":
    main()
