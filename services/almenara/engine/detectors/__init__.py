"""Rules over several events: what each remembers, and what it says when an event, a reading or a tick comes."""
