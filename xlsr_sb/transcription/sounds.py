"""The sound of a recording: its waveform, or the path of a file that is too long."""

from torch import Tensor

from xlsr_sb.data.audio import load_audio, probe_audio
from xlsr_sb.errors import InputError
from xlsr_sb.lengths import SAMPLE_RATE
from xlsr_sb.transcription.recordings import Recording


def sound_of(
    recording: Recording, *, whole_seconds: float, num_needed: int
) -> Tensor | str:
    """Waveform at 16 kHz; of a file that is longer than so many seconds its path.

    Parameters
    ----------
    recording : Recording
    whole_seconds : float
        Segments of files are always read as a whole.
    num_needed : int
        Samples that a waveform must have.

    Raises
    ------
    InputError
        If it cannot be read or is too short.

    Example
    -------
    >>> import numpy, soundfile
    >>> path = str(getfixture("tmp_path") / "a.wav")
    >>> soundfile.write(path, numpy.zeros(16_000), 16_000)
    >>> sound_of(Recording(path, "a", path), whole_seconds=2.0, num_needed=400).shape
    torch.Size([16000])
    """
    path = recording.path
    is_segment = recording.start is not None or recording.stop is not None
    if not is_segment and probe_audio(path).duration > whole_seconds:
        return path
    waveform = load_audio(path, start=recording.start, stop=recording.stop)
    if len(waveform) < num_needed:
        raise InputError(
            f"{path} has {len(waveform)} samples at {SAMPLE_RATE} Hz; at least "
            f"{num_needed} are needed"
        )
    return waveform
