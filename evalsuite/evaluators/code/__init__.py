"""Evaluators that run code: one module for each family of benchmarks, all on top of the sandbox."""
