//! studio-documents
