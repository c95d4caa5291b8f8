"""A trained net: how it is loaded, what goes on inside it, and what it answers."""
