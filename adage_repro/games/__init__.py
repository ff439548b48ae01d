"""Games with a known solution, one a file."""
