"""Rule files to plain data: YAML with places, pySigma, our own `almenara:` map, and every fault at its line."""
