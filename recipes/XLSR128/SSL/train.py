"""Pretrain XLS-R on the speech of many languages and corpora.

python train.py hparams/xlsr_2b.yaml --manifests /data/speech.csv
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.pretraining import Pretraining

if __name__ == "__main__":
    main(Pretraining, recipe=__file__)
