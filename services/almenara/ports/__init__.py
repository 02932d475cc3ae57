"""Protocols of the outside, one file each. They name what a service needs and know no technology."""
