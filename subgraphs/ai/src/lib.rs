//! studio-ai
