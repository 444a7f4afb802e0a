"""Bring two images onto one grid."""
