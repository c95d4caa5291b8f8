"""The one exception that commands turn into one line on standard error and exit status 2."""

LONGEST_WORD, LONGEST_LINE = 300, 700


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
        return one_line(f"{flag}{self.message}")


def one_line(text: str) -> str:
    """A text as one line that any terminal can print: a value in it may be whatever was typed.

    What is too long loses its middle, since the value stands first and what would be right last;
    what cannot be printed is written as Python escapes it.
    """
    words = " ".join(_shortened(word, LONGEST_WORD) for word in text.split())
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)
    return _shortened(escaped, LONGEST_LINE)


def lack_of_memory(error: BaseException) -> str | None:
    """Line for an error of too little memory; None if it is another.

    numpy raises a MemoryError, torch a RuntimeError and the loader of libraries an ImportError.
    """
    words = str(error)
    if not isinstance(error, MemoryError) and not any(
        phrase in words for phrase in ("allocate memory", "failed to map segment")
    ):
        return None
    return one_line(f"not enough memory ({words or 'nothing is left'})")


def _shortened(text: str, longest: int) -> str:
    half = (longest - 3) // 2
    return text if len(text) <= longest else f"{text[:half]}...{text[-half:]}"
