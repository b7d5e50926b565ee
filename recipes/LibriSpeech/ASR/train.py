"""Fine-tune XLS-R with CTC on LibriSpeech, with few labels or with all.

python train.py hparams/xlsr_300m.yaml --data_folder LibriSpeech --labels 100h ...
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.recognition import Recognition

if __name__ == "__main__":
    main(Recognition, recipe=__file__)
