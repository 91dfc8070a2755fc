"""A cluster under SLURM."""
