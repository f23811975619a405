//! studio-access
