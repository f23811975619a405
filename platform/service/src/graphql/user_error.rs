//! What a person can mend about the input of a mutation.

use async_graphql::SimpleObject;

/// One thing about the input that the person can mend; the mutation changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
#[graphql(shareable)]
pub struct UserError {
    /// A stable code, upper case with underscores.
    pub code: String,
    /// What is wrong and what to do, in a sentence.
    pub message: String,
    /// The path to the value within the mutation's arguments, for example `["input", "name"]`.
    pub path: Vec<String>,
}

impl UserError {
    /// An error about one field of `input`.
    pub fn field(code: &str, field: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            path: vec!["input".to_owned(), field.to_owned()],
        }
    }
}
