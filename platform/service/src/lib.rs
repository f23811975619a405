//! studio-service
