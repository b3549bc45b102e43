"""Templates, meta templates and few-shot examples: from a sample to text or messages."""
