"""The pages: each view reads a request and answers it; rules are in models, forms and reporting."""
