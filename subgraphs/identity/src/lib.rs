//! studio-identity
