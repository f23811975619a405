//! studio-migrations
