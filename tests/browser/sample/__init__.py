"""A whole installation with believable data, in processes of its own, for tests that only read.

`python -m tests.browser.sample FOLDER` builds it and serves it until its input ends; tests and
pictures start it through `starting.py`.
"""
