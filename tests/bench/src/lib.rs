//! studio-bench
