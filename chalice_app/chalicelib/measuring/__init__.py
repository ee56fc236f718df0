"""How good a model is: figures, their intervals, and a report to read.

Like `chalicelib.training`, nothing on the detection path imports this package.
"""
