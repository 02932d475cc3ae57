"""One file a figure (or a group that shares its preparation); each gives rows of the table."""
