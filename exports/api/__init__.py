"""The API for programs: JSON under /api/v1/, by the verbs and filters that the pages use (I1)."""
