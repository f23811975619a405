//! studio-schema
