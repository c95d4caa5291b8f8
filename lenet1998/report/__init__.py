"""Records in, tables and figures out."""

import os
import sys
from contextlib import suppress

# matplotlib cannot be imported while $MPLBACKEND names no backend that it knows. Our figures need
# none, so it is imported without the variable, and given its value as it would have taken it.
if "MPLBACKEND" in os.environ and "matplotlib" not in sys.modules:
    _backend = os.environ.pop("MPLBACKEND")
    import matplotlib

    os.environ["MPLBACKEND"] = _backend
    with suppress(ValueError):
        matplotlib.rcParams["backend"] = _backend
