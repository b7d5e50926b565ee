r"""Files of NIST's scoring tools: ``trn``, ``stm`` and ``ctm``.

They are to be scored with ``-s`` (else A to Z and a to z are the same, in names too),
``-e utf-8``, and ``-i spu_id`` for ``trn``::

    sclite -s -e utf-8 -i spu_id -r ref.trn trn -h hyp.trn trn -o sum stdout
    sclite -s -e utf-8 -r ref.stm stm -h hyp.ctm ctm -o sum stdout
"""

from xlsr_sb.metrics.nist.timed import Segment, TimedWord, write_ctm, write_stm
from xlsr_sb.metrics.nist.trn import Transcription, read_trn, write_trn

__all__ = [
    "Segment",
    "TimedWord",
    "Transcription",
    "read_trn",
    "write_ctm",
    "write_stm",
    "write_trn",
]
