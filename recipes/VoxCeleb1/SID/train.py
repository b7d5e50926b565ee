"""Fine-tune XLS-R to tell who speaks, by name or by comparing two clips.

python train.py hparams/identification_300m.yaml --data_folder /data/voxceleb1
python train.py hparams/verification_300m.yaml --data_folder /data/voxceleb1
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.classification import Classification

if __name__ == "__main__":
    main(Classification, recipe=__file__)
