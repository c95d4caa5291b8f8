"""Tables and figures of a trained net."""
