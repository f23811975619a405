//! studio-entities
