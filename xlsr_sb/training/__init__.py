"""The training loop, its checkpoints and schedules."""
