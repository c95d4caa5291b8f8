"""The CUDA engine and its kernel."""
