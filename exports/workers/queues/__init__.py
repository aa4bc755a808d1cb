"""The queue's engine: one small interface, and a module for each engine (rules Q1, Q2).

An engine carries numbers, a run and its attempt, from whoever queues a run to a worker. Only the
Run row says what is to be executed, so an engine may lose or repeat whatever it carries.
"""
