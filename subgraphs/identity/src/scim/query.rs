//! What is asked of a list: by the address (RFC 7644, section 3.4.2), or in the body of a search (3.4.3).

use serde_json::Value;

use super::{
    MOST_ON_A_PAGE, ScimError, ScimType, USUAL_PAGE,
    attributes::{Attribute, Resource, find},
    document::shortened,
    filter::{Filter, Parser},
    shown::Shown,
};

/// What every search says that it is.
const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// What is asked of a list.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    pub(super) filter: Option<Filter>,
    /// From 1.
    pub(super) start: usize,
    pub(super) count: usize,
    pub(super) sort_by: Option<String>,
    pub(super) descending: bool,
    pub(super) shown: Shown,
}

/// By what resources are sorted: an attribute, or what is within it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SortBy {
    pub(super) attribute: &'static Attribute,
    pub(super) sub: Option<&'static Attribute>,
}

impl Query {
    /// From the address.
    ///
    /// # Errors
    /// `invalidFilter`, `invalidValue`.
    pub(super) fn of_address(query: Option<&str>) -> Result<Self, ScimError> {
        let pairs: Vec<_> =
            url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect();
        let text = |name: &str| {
            let found = pairs.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_ref()).filter(|value| !value.is_empty())
        };
        let number = |name: &'static str| match text(name) {
            None => Ok(None),
            Some(text) => text.parse::<i64>().map(Some).map_err(|_| no_number(name)),
        };
        let names = |name: &str| text(name).unwrap_or_default().split(',');
        Self::of(
            text("filter"),
            (number("startIndex")?, number("count")?),
            (text("sortBy"), text("sortOrder")),
            Shown::of(names("attributes"), names("excludedAttributes")),
        )
    }

    /// From the body of a search.
    ///
    /// # Errors
    /// `invalidSyntax`, `invalidFilter`, `invalidValue`.
    pub(super) fn of_body(body: &Value) -> Result<Self, ScimError> {
        let schemas = body.get("schemas").and_then(Value::as_array);
        if !schemas.is_some_and(|all| all.iter().any(|it| it == SCHEMA)) {
            let says = format!("schemas must name {SCHEMA}.");
            return Err(ScimError::new(ScimType::InvalidSyntax, says));
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let number = |name: &'static str| match body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| no_number(name)),
        };
        let names = |name: &str| {
            let given = body.get(name).and_then(Value::as_array);
            given.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>()
        };
        Self::of(
            text("filter"),
            (number("startIndex")?, number("count")?),
            (text("sortBy"), text("sortOrder")),
            Shown::of(names("attributes"), names("excludedAttributes")),
        )
    }

    fn of(
        filter: Option<&str>,
        (start, count): (Option<i64>, Option<i64>),
        (sort_by, order): (Option<&str>, Option<&str>),
        shown: Shown,
    ) -> Result<Self, ScimError> {
        let filter = match filter {
            None => None,
            Some(text) => Some(Filter::parse(text).map_err(invalid_filter)?),
        };
        let descending = match order {
            None => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => {
                let says = "sortOrder is ascending or descending.";
                return Err(ScimError::new(ScimType::InvalidValue, says));
            }
        };
        // What is less than it can be stands for the least (RFC 7644, section 3.4.2.4).
        let least =
            |given: i64, least: i64| usize::try_from(given.max(least)).unwrap_or(usize::MAX);
        Ok(Self {
            filter,
            start: least(start.unwrap_or(1), 1),
            count: count.map_or(USUAL_PAGE, |count| least(count, 0)).min(MOST_ON_A_PAGE),
            sort_by: sort_by.map(str::to_owned),
            descending,
            shown,
        })
    }

    /// Whether the filter can be asked of such resources, and by what they are sorted.
    ///
    /// # Errors
    /// `invalidFilter`, `invalidPath`.
    pub(super) fn check(&self, resource: Resource) -> Result<Option<SortBy>, ScimError> {
        if let Some(filter) = &self.filter {
            filter.check(resource).map_err(invalid_filter)?;
        }
        let Some(text) = &self.sort_by else { return Ok(None) };
        let nothing = || {
            let says = format!("sortBy {} leads to nothing that has an order.", shortened(text));
            ScimError::new(ScimType::InvalidPath, says)
        };
        let mut parser = Parser::new(text).map_err(|_| nothing())?;
        let name = parser.name().map_err(|_| nothing())?;
        parser.end().map_err(|_| nothing())?;
        let own = resource.is_schema(name.schema.as_deref());
        let attribute = own.then(|| resource.attribute(&name.attribute)).flatten();
        let attribute = attribute.ok_or_else(nothing)?;
        let sub = match &name.sub {
            Some(sub) => Some(find(attribute.within(), sub).ok_or_else(nothing)?),
            None => find(attribute.within(), "value"),
        };
        if sub.is_none() && !attribute.within().is_empty() {
            return Err(nothing());
        }
        Ok(Some(SortBy { attribute, sub }))
    }
}

fn invalid_filter(error: super::filter::FilterError) -> ScimError {
    ScimError::new(ScimType::InvalidFilter, format!("The filter: {error}"))
}

fn no_number(name: &str) -> ScimError {
    ScimError::new(ScimType::InvalidValue, format!("{name} is a number."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_have_limits() {
        let page = |query: &str| {
            let query = Query::of_address(Some(query)).unwrap();
            (query.start, query.count)
        };
        assert_eq!(page(""), (1, 100));
        assert_eq!(page("startIndex=-3&count=-1"), (1, 0));
        assert_eq!(page("startIndex=7&count=1000000"), (7, 200));
        for bad in [
            "count=ten",
            "startIndex=1e3",
            "count=99999999999999999999",
            "sortOrder=up",
            "filter=x",
        ] {
            assert!(Query::of_address(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_search_asks_the_same() {
        let body = json!({
            "schemas": [SCHEMA], "filter": "userName pr", "startIndex": 2, "count": 3, "sortBy": "name.familyName",
            "sortOrder": "descending", "attributes": ["userName"],
        });
        let query = Query::of_body(&body).unwrap();
        assert!(query.check(Resource::User).unwrap().is_some() && query.descending);
        assert_eq!((query.start, query.count), (2, 3));
        assert_eq!(query.shown, Shown::Only(vec!["username".to_owned()]));
        assert!(query.check(Resource::Group).is_err(), "groups have no userName");
        for bad in [json!({}), json!({ "schemas": [SCHEMA], "count": "3" }), json!([])] {
            assert!(Query::of_body(&bad).is_err(), "{bad}");
        }
        for bad in ["sortBy=title", "sortBy=name", "sortBy=a%20b", "sortBy=userName.x"] {
            let query = Query::of_address(Some(bad)).unwrap();
            assert!(query.check(Resource::User).is_err(), "{bad}");
        }
    }
}
