"""What is known of each utterance, and the CSV files that hold it.

The columns have SpeechBrain's names. Everything after this stage reads manifests
only, whatever the corpus looked like.
"""

from xlsr_sb.manifest.checking import check_manifest
from xlsr_sb.manifest.reading import read_manifest
from xlsr_sb.manifest.table import columns_of, durations_of, read_utterances
from xlsr_sb.manifest.utterance import Utterance
from xlsr_sb.manifest.writing import write_manifest

__all__ = [
    "Utterance",
    "check_manifest",
    "columns_of",
    "durations_of",
    "read_manifest",
    "read_utterances",
    "write_manifest",
]
