"""From raw items to events: sources' items become drafts, drafts are checked and stamped, and nothing is stored here.

Knows no adapter, no rule and no alert.
"""
