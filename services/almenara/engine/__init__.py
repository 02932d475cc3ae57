"""Rules to detections, pure: no clock, no randomness, no input or output."""
