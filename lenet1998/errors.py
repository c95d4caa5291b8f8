"""The one exception that commands turn into one line on standard error and exit status 2."""


class BadInput(Exception):  # noqa: N818
    """Input that cannot be used; the message is one line: what was wrong, what would be right.

    Args:
        message: if one argument is at fault, from its value on: ``gpu: must be auto, cpu ...``.
        argument: that argument's name, which the message of the exception begins with. A command
            says the flag instead, which is called the same.
    """

    def __init__(self, message: str, argument: str | None = None):
        super().__init__(message, argument)  # both, so that it can be sent to another process
        self.message = message
        self.argument = argument

    def __str__(self) -> str:
        return f"{self.argument} {self.message}" if self.argument else self.message

    @property
    def line(self) -> str:
        """The one line for a command to print, with the flag if an argument is at fault."""
        flag = f"--{self.argument.replace('_', '-')} " if self.argument else ""
        return " ".join(f"{flag}{self.message}".split())
