"""One file a peer: how it is installed, what it is asked, what it answers. Each runs as a process of its own."""
