"""The joining place: settings, the runner, and the wiring of each mode."""
