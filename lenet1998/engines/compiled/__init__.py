"""The compiled engine: vectors, blocks, layers, losses, updates, a whole pass, the network."""
