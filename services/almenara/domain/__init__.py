"""Nouns and lives: what the system speaks about. Standard library only, no input or output."""
