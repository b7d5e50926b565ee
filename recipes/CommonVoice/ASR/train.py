"""Fine-tune XLS-R with CTC on one language of Common Voice: characters or phones.

python train.py hparams/xlsr_300m.yaml --data_folder /data/cv-corpus-17.0 --language fr
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.recognition import Recognition

if __name__ == "__main__":
    main(Recognition, recipe=__file__)
