//! The mutations. Documents themselves come in by `POST /v1/documents`.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use studio_kernel::{Actor, Id, id::Kind};
use studio_service::graphql::{UserError, actor, gql};

use super::document::Document;
use crate::{
    commands::{Documents, LinkOutcome},
    domain::{Link, LinkRefused},
};

pub(super) struct Mutation;

/// Which document speaks of which control.
#[derive(InputObject)]
struct LinkDocumentInput {
    /// The document, `doc_…`.
    document_id: ID,
    /// The control, `ctl_…`.
    control_id: ID,
}

/// Which link is taken back.
#[derive(InputObject)]
struct UnlinkDocumentInput {
    /// The document, `doc_…`.
    document_id: ID,
    /// The control, `ctl_…`.
    control_id: ID,
}

/// What became of it.
#[derive(SimpleObject)]
struct LinkDocumentPayload {
    /// The document with its links, if the input was right.
    document: Option<Document>,
    /// What you can mend; empty where it was done.
    user_errors: Vec<UserError>,
}

/// What became of it.
#[derive(SimpleObject)]
struct UnlinkDocumentPayload {
    /// The document with its links, if the input was right.
    document: Option<Document>,
    /// What you can mend; empty where it was done.
    user_errors: Vec<UserError>,
}

#[Object]
impl Mutation {
    /// Says that a document speaks of a control. Doing it again changes nothing. A link to a
    /// control that does not exist shows nowhere.
    async fn link_document(
        &self,
        ctx: &Context<'_>,
        input: LinkDocumentInput,
    ) -> Result<LinkDocumentPayload> {
        let (documents, actor) = context(ctx)?;
        let (document, user_errors) = match link(&input.document_id, &input.control_id) {
            Ok(link) => outcome(actor, documents.link(actor, link).await.map_err(gql)?),
            Err(errors) => (None, errors),
        };
        Ok(LinkDocumentPayload { document, user_errors })
    }

    /// Takes a link back. Doing it again changes nothing.
    async fn unlink_document(
        &self,
        ctx: &Context<'_>,
        input: UnlinkDocumentInput,
    ) -> Result<UnlinkDocumentPayload> {
        let (documents, actor) = context(ctx)?;
        let (document, user_errors) = match link(&input.document_id, &input.control_id) {
            Ok(link) => outcome(actor, documents.unlink(actor, link).await.map_err(gql)?),
            Err(errors) => (None, errors),
        };
        Ok(UnlinkDocumentPayload { document, user_errors })
    }
}

fn context<'a>(ctx: &Context<'a>) -> Result<(&'a Documents, &'a Actor)> {
    let documents = ctx.data::<Arc<Documents>>()?;
    Ok((documents, actor(ctx)?))
}

fn link(document: &ID, control: &ID) -> Result<Link, Vec<UserError>> {
    match (read(document, "documentId"), read(control, "controlId")) {
        (Ok(document), Ok(control)) => Ok(Link { document, control }),
        (document, control) => Err(document.err().into_iter().chain(control.err()).collect()),
    }
}

fn read<K: Kind>(given: &ID, field: &str) -> Result<Id<K>, UserError> {
    given.parse().map_err(|error: studio_kernel::IdError| {
        UserError::field("INVALID_ID", field, error.to_string())
    })
}

fn outcome(actor: &Actor, outcome: LinkOutcome) -> (Option<Document>, Vec<UserError>) {
    match outcome {
        Ok(row) => (Some(Document { tenant: actor.tenant, row: Arc::new(row) }), Vec::new()),
        Err(refused) => {
            let (code, field) = match refused {
                LinkRefused::NoSuchDocument => ("NOT_FOUND", "documentId"),
                LinkRefused::Archived => ("ARCHIVED", "documentId"),
                LinkRefused::TooMany => ("TOO_MANY", "controlId"),
            };
            (None, vec![UserError::field(code, field, format!("{refused}"))])
        }
    }
}
