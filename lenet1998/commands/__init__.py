"""The commands after their flags are read: the halves that take seconds to import.

A command's other half, which is ``python -m lenet1998.NAME``, reads the flags and imports none of
this before they are known to be good, and then by :func:`lenet1998.cli.late`.
"""
