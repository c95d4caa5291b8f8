"""The machine and the versions a run happened on."""

import os
import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

PACKAGES = ("lenet1998", "torch", "numpy", "numba")


def describe(engine: str, device: torch.device) -> dict:
    """Describe the machine and the versions for a run record."""
    return {
        "python": platform.python_version(),
        "versions": versions(),
        **project_state(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        **core(),
        "cores": os.cpu_count(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "engine": engine,
        "threads": torch.get_num_threads(),
    }


def core() -> dict:
    """LLVM's name of this core and its vector instructions; empty without LLVM."""
    try:
        from llvmlite import binding
    except (ImportError, OSError):  # missing or broken: the eager engine does without
        return {}
    features = binding.get_host_cpu_features()
    return {
        "core": binding.get_host_cpu_name(),
        "vector_instructions": [name for name in ("avx2", "avx512f") if features.get(name)],
    }


def versions() -> dict[str, str]:
    """The installed version of each package that can change a result."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@lru_cache(maxsize=1)
def project_state(folder: Path = Path(__file__).parents[1]) -> dict:
    """The commit of the checkout that the code runs from, and whether the code differs from it.

    Args:
        folder: the package's folder.

    Returns:
        ``commit``, the full hash, and ``dirty``; both None where the code is not a checkout's own,
        as after an ordinary installation, or where git is missing.
    """

    def git(*arguments: str) -> str:
        call = ["git", "-C", str(folder), *arguments]
        return subprocess.run(call, check=True, capture_output=True, text=True, timeout=10).stdout

    try:
        # The folder may lie in somebody else's repository without being part of it.
        git("ls-files", "--error-unmatch", "__init__.py")
        commit = git("rev-parse", "HEAD").strip()
        return {"commit": commit, "dirty": bool(git("status", "--porcelain", "--", ".").strip())}
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "dirty": None}


def processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def available_memory() -> int | None:
    """Bytes of memory that can still be taken without swapping; None where nothing tells."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    kilobytes = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return next((int(value) * 1024 for value in kilobytes), None)
