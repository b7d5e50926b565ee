"""Fine-tune XLS-R with CTC on one language of VoxPopuli.

python train.py hparams/xlsr_300m.yaml --data_folder /data/voxpopuli --language fr
"""

from xlsr_sb.run import main
from xlsr_sb.tasks.recognition import Recognition

if __name__ == "__main__":
    main(Recognition, recipe=__file__)
