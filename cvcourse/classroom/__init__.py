"""Lessons for a class: the student edition, what a notebook's outputs say, the report. One module each."""
