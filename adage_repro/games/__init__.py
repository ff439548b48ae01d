"""Games with known Stackelberg solutions, one a file: docs/library.md lists them."""
