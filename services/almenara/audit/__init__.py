"""Auditing: folds the record again, compares, verifies the chain. Reads only; has no way to send anything."""
