"""The verbs beside `run`, each a small module that is imported when it is called."""
