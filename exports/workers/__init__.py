"""The processes that execute runs: the queue's job, the worker, recovery, the supervisor."""
