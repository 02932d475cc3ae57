"""Almenara: an event-sourced alert system for diplomatic risk."""

__version__ = "0.1.0"
