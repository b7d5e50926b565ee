"""Signals that ask for a stop, and what comes after."""

import logging
import os
import signal

import pytest

from xlsr_sb.training.interruption import SIGNALS, Interruption


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_asks(number, caplog):
    """It is named, and nothing else happens."""
    with Interruption() as interruption:
        assert not interruption.requested
        os.kill(os.getpid(), number)
        assert interruption.requested
    name = signal.Signals(number).name
    assert f"{name}: a checkpoint is saved after this update" in caplog.text


@pytest.fixture
def usual_interrupt():
    """Python's own handler of Ctrl-C; shells start background jobs without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("usual_interrupt")
def test_the_second_signal_does_what_it_would_have_done():
    """Here Python's own handler of Ctrl-C."""
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_given_back():
    """After a signal, without one, and after an error."""
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interruption():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before
    with Interruption():
        os.kill(os.getpid(), signal.SIGTERM)
    assert [signal.getsignal(number) for number in SIGNALS] == before
    with pytest.raises(ValueError, match="planted"), Interruption():
        raise ValueError("planted")
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_each_interruption_starts_anew():
    """A request of an earlier run is not one of the next."""
    with Interruption():
        os.kill(os.getpid(), signal.SIGTERM)
    with Interruption() as interruption:
        assert not interruption.requested


def test_processes_that_load_audio_keep_quiet(caplog, capfd):
    """Ctrl-C in a terminal reaches them too; the main process ends them in its time."""
    caplog.set_level(logging.INFO)
    with Interruption() as interruption:
        pid = os.fork()
        if pid == 0:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            os._exit(7 if interruption.requested else 0)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert not interruption.requested
    assert status == 0
    assert capfd.readouterr().err == ""
    assert caplog.text == ""
