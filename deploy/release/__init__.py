"""What a release is made of: locked dependencies, packages, a bill of materials, checksums, signatures."""
