//! studio-stores
