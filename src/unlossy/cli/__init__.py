"""The command line: a shell over the library, one file per command."""
