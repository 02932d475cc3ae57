"""The outside, behind ports: one sub-package for each technology, and none knows another.

Nothing is re-exported: a verb pays only for the adapters that it uses.
"""
