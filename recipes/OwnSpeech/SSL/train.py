"""Go on pretraining XLS-R on recordings of your own, without transcripts.

python train.py hparams/xlsr_300m.yaml --csv /data/my_recordings.csv --language fr
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.pretraining import Pretraining

if __name__ == "__main__":
    main(Pretraining, recipe=__file__)
