"""Screenshots of every page: `make screenshots`, which runs `__main__.py`.

The four beside this file are shown in the README; all others go to `var/screenshots/`.
"""
