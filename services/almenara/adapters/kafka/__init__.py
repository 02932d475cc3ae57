"""Kafka as the log of record: topics, wire, publisher and relay on one side, subscriber and audit reader on the other.

Knows nothing of SQL, of settings or of any service: what it needs is handed in as ports and callables. Nothing is
imported here, so that a command that needs only the topics does not pay for the rest.
"""
