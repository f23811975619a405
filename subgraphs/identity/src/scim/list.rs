//! Lists: pages that the database counts where nothing else is asked, and otherwise what is found among all
//! that it narrows them to.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::{
    MOST_LOOKED_AT, ScimError, ScimType,
    attributes::{Kind, Resource},
    document::Document,
    query::{Query, SortBy},
};

/// Resources that are read at a time.
const AT_ONCE: usize = 500;

/// Where resources come from.
pub(super) trait Source {
    /// Which they are.
    const RESOURCE: Resource;

    /// How many there are.
    async fn count(&self) -> Result<usize, ScimError>;

    /// Some of those that the filter is narrowed to, in an order that stays, and how many were read for it.
    async fn page(&self, skip: usize, limit: usize) -> Result<(usize, Vec<Document>), ScimError>;
}

/// What was found, and how much there is in all.
pub(super) struct Found {
    pub(super) total: usize,
    pub(super) resources: Vec<Document>,
}

/// What is asked for.
///
/// # Errors
/// `invalidFilter`, `invalidPath`; `tooMany` where more would have to be looked at than is.
pub(super) async fn find<S: Source>(source: &S, query: &Query) -> Result<Found, ScimError> {
    let sort_by = query.check(S::RESOURCE)?;
    let skip = query.start - 1;
    if query.filter.is_none() && sort_by.is_none() {
        let total = source.count().await?;
        let (_, resources) = source.page(skip, query.count).await?;
        return Ok(Found { total, resources });
    }
    let mut found = Vec::new();
    let mut looked_at = 0;
    loop {
        let (read, some) = source.page(looked_at, AT_ONCE).await?;
        looked_at += read;
        if looked_at > MOST_LOOKED_AT {
            let says = format!(
                "More than {MOST_LOOKED_AT} would have to be looked at: ask for a userName, a displayName, an \
                 externalId or an id by eq, or for all, page by page."
            );
            return Err(ScimError::new(ScimType::TooMany, says));
        }
        let fits = |it: &Document| {
            query.filter.as_ref().is_none_or(|filter| filter.matches(S::RESOURCE, it))
        };
        found.extend(some.into_iter().filter(fits));
        if read < AT_ONCE {
            break;
        }
    }
    if let Some(by) = sort_by {
        found.sort_by(|one, two| order(by, one, two, query.descending));
    }
    let total = found.len();
    let resources = found.into_iter().skip(skip).take(query.count).collect();
    Ok(Found { total, resources })
}

/// Those without a value come last, whichever way (RFC 7644, section 3.4.2.3).
fn order(by: SortBy, one: &Document, two: &Document, descending: bool) -> Ordering {
    match (key(by, one), key(by, two)) {
        (Some(one), Some(two)) if descending => two.cmp(&one),
        (Some(one), Some(two)) => one.cmp(&two),
        (one, two) => one.is_none().cmp(&two.is_none()),
    }
}

/// Of several values it is the primary one, or the first.
fn key(by: SortBy, of: &Document) -> Option<String> {
    let value = of.get(by.attribute.name)?;
    let value = match value.as_array() {
        Some(several) => several
            .iter()
            .find(|it| it.get("primary") == Some(&Value::Bool(true)))
            .or_else(|| several.first())?,
        None => value,
    };
    let (value, attribute) = match by.sub {
        Some(sub) => (value.get(sub.name)?, sub),
        None => (value, by.attribute),
    };
    match (value, attribute.kind) {
        (Value::String(text), Kind::String) if !attribute.case_exact => Some(text.to_lowercase()),
        (Value::String(text), _) => Some(text.clone()),
        (other, _) => Some(other.to_string()),
    }
}

/// A page as RFC 7644 has it (section 3.4.2).
pub(super) fn response(total: usize, start: usize, resources: Vec<Value>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}
