"""Pretrain a small text decoder on the texts inside Debian packages.

python train.py hparams/tiny.yaml
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.denoising import Denoising

if __name__ == "__main__":
    main(Denoising, recipe=__file__)
