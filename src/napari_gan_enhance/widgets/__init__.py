"""Qt and magicgui, thin: collect settings, start a job, show the result."""
