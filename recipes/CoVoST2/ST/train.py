"""Translate the speech of CoVoST-2: XLS-R with mBART's decoder.

python train.py hparams/xlsr_300m.yaml --data_folder /data/cv-corpus-4 --pairs x_en
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.translation import Translation

if __name__ == "__main__":
    main(Translation, recipe=__file__)
