"""Pretrain XLS-R on the speech inside Debian packages.

python train.py hparams/xlsr_tiny.yaml
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.pretraining import Pretraining

if __name__ == "__main__":
    main(Pretraining, recipe=__file__)
