"""Many files: skip what is done, resume, report for each file."""
