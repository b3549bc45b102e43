# A site's options for SLURM, used by `--cluster example` (or EVALSUITE_CLUSTER=example). Copy it to a name of
# your own. What the config and the flags of a run say comes on top; docs/slurm.md lists every key.

# for every worker
slurm = dict(
    partition='gpu',
    account='my-project',
    time='4:00:00',
    prolog=['module load cuda'],
)

# for the workers that hold a model
infer = dict(gres_style='gres', mem='64G', cpus=8)

# for the workers that score: no GPU, another partition
eval = dict(partition='cpu', mem='8G', cpus=4)
