"""Functions that the standard lacks, or that its wrappers make slow: a topic a file, the forms of one side by side."""
