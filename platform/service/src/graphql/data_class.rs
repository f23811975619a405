//! `DataClass`.

use async_graphql::Enum;

/// How closely something is kept, the least first. Who reads what of each class is for the access policies
/// to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "studio_kernel::DataClass")]
pub enum DataClass {
    /// Anybody may know it.
    Public,
    /// For the organization: the class of whatever nobody has classified.
    Internal,
    /// For those who work with it.
    Confidential,
    /// For few.
    Restricted,
}
