"""C1 to S4 of the 1998 net, recovered from the figures of its paper."""
