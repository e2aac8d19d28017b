"""Whatever comes in from outside, however broken: what reads it ends soon, with a value or with one of our own errors.

A case is bytes, made from a seed: pieces of a grammar, a corpus of good inputs, and mutations of both. See runs.py.
"""
