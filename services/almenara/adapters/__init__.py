"""Adapters: each binds some ports to one technology. They are strangers to each other; only `app` joins them."""
