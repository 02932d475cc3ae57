"""Words: what a subscriber reads, in their language and time zone. Pure; knows nothing of channels."""
