"""The forward pass in C++ for CPUs with AVX2, or AVX-512 VNNI and BF16; compiled once where a compiler is at hand."""
