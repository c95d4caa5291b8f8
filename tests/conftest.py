"""Fixtures for every test: no network, one thread, and a very small MNIST."""

import os
import signal
import socket
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from lenet1998.data import Dataset, load, mnist

ROOT = Path(__file__).parents[1]
torch.set_num_threads(1)
# Processes that tests start find `experiments` and the tests' own modules as this one does.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH")])
)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As for what a shell starts in the background; the commands under test would ignore it, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

LOOPBACK = {"localhost", "127.0.0.1", "::1"}

# Autograd looks for devices at its first step. If torch.export has been there before, it finds one,
# starts a thread for it, and works in no forked process any more.
torch.ones(1, requires_grad=True).sum().backward()


class NetworkBlockedError(OSError):
    """A test tried to leave this machine."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Let sockets reach this machine only: to the code under test there is no network."""

    def guard(name):
        connect = getattr(socket.socket, name)

        def guarded(self, address):
            if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
                raise NetworkBlockedError(f"tests may not connect to {address[0]}")
            return connect(self, address)

        monkeypatch.setattr(socket.socket, name, guarded)

    guard("connect")
    guard("connect_ex")
    look_up = socket.getaddrinfo

    def guarded_look_up(host, *args, **kwargs):
        if host not in LOOPBACK | {None, "", "0.0.0.0", "::", socket.gethostname()}:
            raise NetworkBlockedError(f"tests may not look up {host}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)
    for scheme in ("http", "https", "all"):
        # A proxy may be on this machine and lead out of it.
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme.upper()}_PROXY", raising=False)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load("digits")


@pytest.fixture
def no_net_figures(monkeypatch):
    """Commands that draw nothing of each net: it takes longer than a small run.

    That they do, and what, is tested in test_show.py.
    """
    for module in ("reproduce.run", "report.fresh"):
        monkeypatch.setattr(f"lenet1998.{module}.show_each", lambda *_: None)


@pytest.fixture
def no_figures(no_net_figures, monkeypatch):
    """Commands that train and draw nothing."""
    for name in ("learning_curve", "save"):
        monkeypatch.setattr(f"lenet1998.reproduce.run.{name}", lambda *_: None)


def idx(array: np.ndarray) -> bytes:
    """The bytes of an IDX file."""
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def tiny_mnist(tmp_path, monkeypatch, digits) -> Path:
    """A data directory in torchvision's layout: 300 training and 100 test patterns, all digits."""
    raw = tmp_path / "tiny" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    arrays = (
        digits.train_images[:300],
        digits.train_labels[:300],
        digits.test_images[:100],
        digits.test_labels[:100],
    )
    for file, array in zip(mnist.MNIST_SHA256, arrays, strict=True):
        content = idx(array)
        (raw / file).write_bytes(content)
        monkeypatch.setitem(mnist.MNIST_SHA256, file, sha256(content).hexdigest())
        monkeypatch.setitem(mnist.MNIST_BYTES, file, len(content))
    return tmp_path / "tiny"
