"""Which rows are shown as examples before a question."""

from evalsuite.prompt.retrievers.base import Retriever, Shots
from evalsuite.prompt.retrievers.build import RETRIEVERS, build_retriever, check_retriever, separators

__all__ = ["RETRIEVERS", "Retriever", "Shots", "build_retriever", "check_retriever", "separators"]
