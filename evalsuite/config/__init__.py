"""Reads, finds, assembles and checks configs; the only room that knows mmengine."""
