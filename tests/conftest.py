"""What every test session needs."""

import os
import random
import socket

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np  # noqa: E402 the settings above are read on import
import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import settings  # noqa: E402
from speechbrain.utils.importutils import LazyModule  # noqa: E402

from tests.fixtures import (  # noqa: E402, F401 for all tests
    corpus,
    encoder_config,
    encoder_folder,
    launcher,
)

# Hypothesis asks each loaded module for its file. SpeechBrain's redirections of old
# module names answer by importing the new module, which fails where k2 is missing.
LazyModule.__file__ = None

# The same examples each time, however slow the machine: a green suite stays green.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def seeds():
    """Start each test from the same random numbers."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 what other packages draw from
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def no_network(request, monkeypatch):
    """Refuse connections to other machines, except in tests marked ``network``."""
    if "network" in request.keywords:
        return
    connect = socket.socket.connect

    def guarded(self, address):
        is_local = self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1")
        assert is_local, f"a test without the mark `network` connects to {address}"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
