"""`python -m tests.benchmarks`: the figures of the README, in one table."""
