//! The mutations. Documents themselves come in by `POST /v1/documents`.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use studio_kernel::{Actor, Id, id::Kind};
use studio_service::graphql::{DataClass, UserError, actor, gql};

use super::document::Document;
use crate::{
    commands::{ClassifyOutcome, Documents, LinkOutcome},
    domain::{ClassifyRefused, Link, LinkRefused},
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

/// How closely a document is to be kept.
#[derive(InputObject)]
struct ClassifyDocumentInput {
    /// The document, `doc_…`.
    document_id: ID,
    /// The class of the document with all its versions.
    data_class: DataClass,
    /// The dataClassVersion that you have seen: of another one, nothing is changed.
    expected_version: u32,
}

/// What became of it.
#[derive(SimpleObject)]
struct ClassifyDocumentPayload {
    /// The document with its class, if the input was right.
    document: Option<Document>,
    /// What you can mend; empty where it was done.
    user_errors: Vec<UserError>,
}

#[Object]
impl Mutation {
    /// Gives a document a data class. Whoever may change the document may raise it; to lower it is for an
    /// owner, an admin or a compliance manager. The class that it has changes nothing.
    async fn classify_document(
        &self,
        ctx: &Context<'_>,
        input: ClassifyDocumentInput,
    ) -> Result<ClassifyDocumentPayload> {
        let (documents, actor) = context(ctx)?;
        let id = match read(&input.document_id, "documentId") {
            Ok(id) => id,
            Err(error) => {
                return Ok(ClassifyDocumentPayload { document: None, user_errors: vec![error] });
            }
        };
        let (class, expected) = (input.data_class.into(), input.expected_version);
        let outcome = documents.classify(actor, id, class, expected).await.map_err(gql)?;
        let (document, user_errors) = classified(actor, outcome);
        Ok(ClassifyDocumentPayload { document, user_errors })
    }

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

fn classified(actor: &Actor, outcome: ClassifyOutcome) -> (Option<Document>, Vec<UserError>) {
    match outcome {
        Ok(row) => (Some(Document { tenant: actor.tenant, row: Arc::new(row) }), Vec::new()),
        Err(refused) => {
            let (code, field) = match refused {
                ClassifyRefused::NoSuchDocument => ("NOT_FOUND", "documentId"),
                ClassifyRefused::Archived => ("ARCHIVED", "documentId"),
                ClassifyRefused::Stale { .. } => ("CONFLICT", "expectedVersion"),
            };
            (None, vec![UserError::field(code, field, format!("{refused}"))])
        }
    }
}
