"""One file a contender; each has ``make(base_url, answer_tokens)``. ``benchmarks.registry`` lists them.

A contender's module imports what it needs and nothing more: the time of this import is one of the figures.
"""
