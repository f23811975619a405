//! studio-evidence
