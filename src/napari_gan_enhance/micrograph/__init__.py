"""Pixels together with what the microscope says about them."""
