//! studio-controls
