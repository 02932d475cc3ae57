"""HTTP: fetching and posting (public addresses only), the signed webhook that comes in and the one that goes out."""
