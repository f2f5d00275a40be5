"""The exercises of the course: one module per lesson, one `check_*` per exercise.

In a notebook: `from cvcourse.exercises import cnn_layers as exercises`, then
`exercises.check_output_size(output_size)`.

A check never stops *Run All* on an untouched stub. `checking` holds the machinery that all modules share.
"""
