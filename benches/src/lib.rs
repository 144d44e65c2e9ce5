//! Benchmarks of Netboot: see `benches/benches/`.
