"""From a sample to requests and back to its one answer, in every way that a benchmark asks a model."""

from evalsuite.inferencers.build import build_inferencer, mode_of, options_of, verb_of
from evalsuite.inferencers.check import check_infer_cfg
from evalsuite.inferencers.version import prompt_version

__all__ = ["build_inferencer", "check_infer_cfg", "mode_of", "options_of", "prompt_version", "verb_of"]
