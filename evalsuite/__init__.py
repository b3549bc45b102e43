"""evalsuite: an evaluation orchestrator for language models, code models first."""

__version__ = "0.1.0"
