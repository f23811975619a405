//! studio-router
