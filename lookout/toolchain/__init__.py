"""The external programs: which they are, how they are built from source, and where they are kept.

Callers use `lookout.tools`; this package is what stands behind it.
"""
