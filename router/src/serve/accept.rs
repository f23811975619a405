//! Which form of answer a client wants (RFC 9110, section 12.5.1; GraphQL over HTTP, "Media Types").

use http::{HeaderMap, header};

/// A form of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `application/graphql-response+json`: the status tells whether the request was executed.
    GraphqlResponse,
    /// `application/json`: the status is 200 for everything that is GraphQL.
    Json,
    /// `text/event-stream`.
    Events,
    /// `multipart/mixed`, for subscriptions.
    Multipart,
    /// `text/html`, for browsers.
    Html,
}

/// The form that the client likes best among those there are; `None` when it accepts none of them.
pub(super) fn negotiate(headers: &HeaderMap, html: bool) -> Option<Form> {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    if ranges.peek().is_none() {
        return Some(Form::Json);
    }
    let mut best: Option<(Form, f32)> = None;
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts
            .filter_map(|part| part.strip_prefix("q="))
            .find_map(|quality| quality.parse::<f32>().ok())
            .unwrap_or(1.0);
        let form = match kind.as_str() {
            "application/graphql-response+json" => Form::GraphqlResponse,
            "application/json" | "application/*" | "*/*" => Form::Json,
            "text/event-stream" => Form::Events,
            "multipart/mixed" => Form::Multipart,
            "text/html" if html => Form::Html,
            _ => continue,
        };
        if quality > 0.0 && best.is_none_or(|(_, known)| quality > known) {
            best = Some((form, quality));
        }
    }
    best.map(|(form, _)| form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn form(accept: &'static str) -> Option<Form> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        negotiate(&headers, true)
    }

    #[test]
    fn the_best_form_is_chosen() {
        assert_eq!(negotiate(&HeaderMap::new(), true), Some(Form::Json));
        assert_eq!(form("*/*"), Some(Form::Json));
        assert_eq!(
            form("application/json;q=0.5, application/graphql-response+json"),
            Some(Form::GraphqlResponse)
        );
        assert_eq!(
            form("application/graphql-response+json; charset=utf-8"),
            Some(Form::GraphqlResponse)
        );
        assert_eq!(form("text/html,application/xhtml+xml,*/*;q=0.8"), Some(Form::Html));
        assert_eq!(form("text/event-stream"), Some(Form::Events));
        assert_eq!(
            form("multipart/mixed;subscriptionSpec=1.0, application/json"),
            Some(Form::Multipart)
        );
        assert_eq!(form("image/png"), None);
        assert_eq!(form("application/json;q=0"), None);
    }
}
