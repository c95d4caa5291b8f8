"""The one exception that commands turn into one line on standard error and exit status 2."""


class BadInput(Exception):  # noqa: N818
    """Input that cannot be used; the message is one line: what was wrong, what would be right."""
