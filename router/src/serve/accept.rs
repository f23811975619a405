//! Which form of answer a client wants (RFC 9110, section 12.5.1; GraphQL over HTTP, September 2026,
//! sections "Media Types" and "Body").

use http::{HeaderMap, header};

/// A form of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `application/graphql-response+json`.
    GraphqlResponse,
    /// `application/json`, for clients from before that type: it is the type of answers with a status
    /// of success alone.
    Json,
    /// `text/event-stream`.
    Events,
    /// `multipart/mixed`, for subscriptions.
    Multipart,
    /// `text/html`, for browsers.
    Html,
}

/// Forms of the answer to a query or mutation, the server's favourite first.
pub(super) const ANSWERS: &[Form] =
    &[Form::GraphqlResponse, Form::Json, Form::Events, Form::Multipart];

/// Forms of the answers to a subscription.
pub(super) const STREAMS: &[Form] = &[Form::Events, Form::Multipart];

/// What there is at an address that a browser may be pointed at.
pub(super) const PAGES: &[Form] =
    &[Form::GraphqlResponse, Form::Json, Form::Events, Form::Multipart, Form::Html];

impl Form {
    fn media_type(self) -> &'static str {
        match self {
            Form::GraphqlResponse => "application/graphql-response+json",
            Form::Json => "application/json",
            Form::Events => "text/event-stream",
            Form::Multipart => "multipart/mixed",
            Form::Html => "text/html",
        }
    }

    /// Whether it may be chosen for a client that does not name it. Who does not say that they read
    /// streams would wait for the end of one.
    fn is_for_anybody(self) -> bool {
        matches!(self, Form::GraphqlResponse | Form::Json)
    }

    /// How closely a range of media types names this form; `None` when it does not contain it.
    fn closeness(self, range: &str) -> Option<u8> {
        match range {
            "*/*" if self.is_for_anybody() => Some(0),
            "application/*" if self.is_for_anybody() => Some(1),
            range => (range == self.media_type()).then_some(2),
        }
    }
}

/// One element of `Accept`.
struct Range {
    kind: String,
    quality: f32,
}

impl Range {
    /// `None` for a range in another encoding than UTF-8, which nothing here has.
    fn read(text: &str) -> Option<Range> {
        let text = text.to_ascii_lowercase();
        let mut parts = text.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_owned();
        let mut quality = 1.0;
        for part in parts {
            match part.split_once('=') {
                Some(("q", given)) => quality = given.parse().unwrap_or(1.0),
                Some(("charset", given)) if given.trim_matches('"') != "utf-8" => return None,
                _ => {}
            }
        }
        Some(Range { kind, quality })
    }
}

/// Which of `forms` the client likes best; `None` when it accepts none of them. The closest range
/// that contains a form says how much it is liked. Of forms that are liked equally, the one that is
/// named more closely is taken, and then the first of `forms`.
pub(super) fn negotiate(headers: &HeaderMap, forms: &[Form]) -> Option<Form> {
    let mut given = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    if given.peek().is_none() {
        return forms.first().copied().filter(|form| form.is_for_anybody());
    }
    let ranges: Vec<Range> = given.filter_map(Range::read).collect();
    let mut best: Option<(Form, f32, u8)> = None;
    for form in forms {
        let closest = ranges
            .iter()
            .filter_map(|range| Some((range.quality, form.closeness(&range.kind)?)))
            .max_by(|(left, near), (right, nearer)| near.cmp(nearer).then(left.total_cmp(right)));
        let Some((quality, closeness)) = closest.filter(|(quality, _)| *quality > 0.0) else {
            continue;
        };
        if best.is_none_or(|(_, most, nearest)| (quality, closeness) > (most, nearest)) {
            best = Some((*form, quality, closeness));
        }
    }
    best.map(|(form, ..)| form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn form(accept: &'static str) -> Option<Form> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        negotiate(&headers, PAGES)
    }

    #[test]
    fn the_best_form_is_chosen() {
        assert_eq!(negotiate(&HeaderMap::new(), PAGES), Some(Form::GraphqlResponse));
        for (accept, chosen) in [
            ("*/*", Form::GraphqlResponse),
            ("application/*", Form::GraphqlResponse),
            ("application/json", Form::Json),
            ("application/json;q=0.5, application/graphql-response+json", Form::GraphqlResponse),
            ("application/json, application/graphql-response+json", Form::GraphqlResponse),
            ("application/graphql-response+json;q=0.5, application/json", Form::Json),
            ("application/json, */*", Form::Json),
            ("application/graphql-response+json; charset=utf-8", Form::GraphqlResponse),
            ("application/graphql-response+json; charset=\"UTF-8\"", Form::GraphqlResponse),
            ("APPLICATION/JSON;Q=0.1, text/event-stream;q=0", Form::Json),
            ("*/*, application/graphql-response+json;q=0", Form::Json),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Form::Html),
            ("text/html,*/*", Form::Html),
            ("text/event-stream", Form::Events),
            ("text/event-stream, application/json;q=0.9", Form::Events),
            ("multipart/mixed;subscriptionSpec=1.0", Form::Multipart),
            ("multipart/mixed;subscriptionSpec=1.0, application/json", Form::Json),
        ] {
            assert_eq!(form(accept), Some(chosen), "{accept}");
        }
        for accept in [
            "image/png",
            "application/json;q=0",
            "text/*",
            "application/json; charset=utf-16",
            "*/*;q=0",
        ] {
            assert_eq!(form(accept), None, "{accept}");
        }
    }

    #[test]
    fn a_stream_is_for_those_who_name_one() {
        let streams = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            negotiate(&headers, STREAMS)
        };
        assert_eq!(negotiate(&HeaderMap::new(), STREAMS), None);
        assert_eq!(streams("*/*"), None);
        assert_eq!(streams("application/json"), None);
        assert_eq!(streams("application/json, text/event-stream;q=0.1"), Some(Form::Events));
        assert_eq!(
            streams("multipart/mixed;subscriptionSpec=1.0, application/json"),
            Some(Form::Multipart)
        );
    }
}
