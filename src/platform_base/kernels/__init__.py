"""What compiled kernels of several plugins share: vectors of numbers, strips of cost matrices, paths through them.

The bottom room: it imports nothing of platform_base, and needs Numba. Plugins may import it; each keeps a kernel in
NumPy for where Numba is missing.
"""
