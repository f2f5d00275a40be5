"""Lessons for a class: the student edition. One module each."""
