"""The benchmarks that the README quotes; `yuqing bench NAME` runs one. Each says on what it was measured."""
