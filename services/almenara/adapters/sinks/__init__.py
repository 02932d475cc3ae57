"""Local receivers, for the demo and for tests: a mail server and a Slack-compatible endpoint that keep what they get.

They listen on this machine only and answer as they are told.
"""
