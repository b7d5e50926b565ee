"""Fine-tune XLS-R to tell which of 107 languages is spoken.

python train.py hparams/xlsr_300m.yaml --data_folder /data/voxlingua107
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.classification import Classification

if __name__ == "__main__":
    main(Classification, recipe=__file__)
