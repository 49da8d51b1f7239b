"""The atlas of shapes: every intermediate and every parameter of a model, in both frameworks.

subject     what is looked at: a twin by name, a run, a folder of Hugging Face; and its inputs
theirs      where a checkpoint of Hugging Face keeps each parameter
trace       both twins run on shapes alone, nothing computed
flops       the floating-point operations between one tap and the next
atlas       the rows: taps, parameters, totals
table       in the terminal
formula     how sizes and operations depend on batch and length
page        as one HTML file, with sliders
quiz        exercises from the trace
"""
