"""Export forms: documents as the text that other systems import, one form or pair of forms per file."""
