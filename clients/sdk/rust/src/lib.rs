//! studio-sdk
