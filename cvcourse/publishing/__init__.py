"""Notebooks out: executed copies, explorers without a kernel, slides. One module each."""
