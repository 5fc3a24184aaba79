"""Support vector machines with quantum kernels."""
