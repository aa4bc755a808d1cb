"""Pictures of every screen: `make screenshots`, which runs `__main__.py`.

The four beside this file stand in the README; all others go to `var/screenshots/`.
"""
