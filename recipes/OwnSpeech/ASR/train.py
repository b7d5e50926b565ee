"""Fine-tune XLS-R with CTC on recordings of your own.

python train.py hparams/xlsr_300m.yaml --csv /data/my_clips.csv --language fr
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.recognition import Recognition

if __name__ == "__main__":
    main(Recognition, recipe=__file__)
