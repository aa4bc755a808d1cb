"""A whole installation with realistic data, in its own processes, for tests that only read.

`python -m tests.browser.sample FOLDER` builds it and serves it until its input ends; tests and
screenshots start it through `starting.py`.
"""
