//! Which form of answer a client wants (RFC 9110, section 12.5.1; GraphQL over HTTP, September 2026,
//! sections "Media Types" and "Body").

use crate::incremental::Format;
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
    /// `multipart/mixed` with the parts of one answer (`incrementalSpec=v0.2`, `deferSpec=20220824`).
    Parts(Format),
    /// `text/html`, for browsers.
    Html,
}

/// Forms of the answer to a query or mutation, the server's favourite first. Of `multipart/mixed` it is
/// that of the parts, whether or not there is more than one.
pub(super) const ANSWERS: &[Form] = &[
    Form::GraphqlResponse,
    Form::Json,
    Form::Events,
    Form::Parts(Format::Current),
    Form::Parts(Format::Legacy),
    Form::Multipart,
];

/// Forms of the answer to an operation that defers. Whoever names a stream beside a whole answer has it
/// for this.
pub(super) const DEFERRED: &[Form] = &[
    Form::Parts(Format::Current),
    Form::Parts(Format::Legacy),
    Form::Events,
    Form::GraphqlResponse,
    Form::Json,
];

/// Forms of the answers to a subscription.
pub(super) const STREAMS: &[Form] = &[Form::Events, Form::Multipart];

/// What there is at an address that a browser may be pointed at.
pub(super) const PAGES: &[Form] = &[
    Form::GraphqlResponse,
    Form::Json,
    Form::Events,
    Form::Parts(Format::Current),
    Form::Parts(Format::Legacy),
    Form::Multipart,
    Form::Html,
];

impl Form {
    fn media_type(self) -> &'static str {
        match self {
            Form::GraphqlResponse => "application/graphql-response+json",
            Form::Json => "application/json",
            Form::Events => "text/event-stream",
            Form::Multipart | Form::Parts(_) => "multipart/mixed",
            Form::Html => "text/html",
        }
    }

    /// Whether the answers stand in a stream.
    pub(super) fn is_stream(self) -> bool {
        matches!(self, Form::Events | Form::Multipart | Form::Parts(_))
    }

    /// Whether it may be chosen for a client that does not name it. Who does not say that they read
    /// streams would wait for the end of one.
    fn is_for_anybody(self) -> bool {
        matches!(self, Form::GraphqlResponse | Form::Json)
    }

    /// How closely a range of media types names this form; `None` when it does not contain it.
    fn closeness(self, range: &Range) -> Option<u8> {
        match range.kind.as_str() {
            "*/*" if self.is_for_anybody() => Some(0),
            "application/*" if self.is_for_anybody() => Some(1),
            kind => (kind == self.media_type() && self.is_spoken(&range.parts)).then_some(2),
        }
    }

    /// Whether what is said of the parts of `multipart/mixed` fits. Where nothing is said, they are
    /// answers to a subscription, or parts of one answer in their current form.
    fn is_spoken(self, parts: &Parts) -> bool {
        match self {
            Form::Multipart => matches!(parts, Parts::Any | Parts::Answers),
            Form::Parts(format) => {
                *parts == Parts::Of(format) || (*parts, format) == (Parts::Any, Format::Current)
            }
            _ => true,
        }
    }
}

/// What a client says of the parts of `multipart/mixed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parts {
    Any,
    /// Answers to a subscription.
    Answers,
    /// Parts of one answer.
    Of(Format),
    /// Something that nothing here is.
    Unknown,
}

impl Parts {
    fn named(self, parameter: &str, value: &str) -> Parts {
        match (parameter, value.trim_matches('"')) {
            ("subscriptionspec", "1.0") => Parts::Answers,
            ("incrementalspec", "v0.2") => Parts::Of(Format::Current),
            ("deferspec", "20220824") => Parts::Of(Format::Legacy),
            ("incrementalspec" | "deferspec", _) => Parts::Unknown,
            _ => self,
        }
    }
}

/// One element of `Accept`.
struct Range {
    kind: String,
    quality: f32,
    parts: Parts,
}

impl Range {
    /// `None` for a range in another encoding than UTF-8, which nothing here has.
    fn read(text: &str) -> Option<Range> {
        let text = text.to_ascii_lowercase();
        let mut parts = text.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_owned();
        let mut quality = 1.0;
        let mut named = Parts::Any;
        for part in parts {
            match part.split_once('=') {
                Some(("q", given)) => quality = given.parse().unwrap_or(1.0),
                Some(("charset", given)) if given.trim_matches('"') != "utf-8" => return None,
                Some((parameter, given)) => named = named.named(parameter, given),
                _ => {}
            }
        }
        Some(Range { kind, quality, parts: named })
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
            .filter_map(|range| Some((range.quality, form.closeness(range)?)))
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
            ("multipart/mixed", Form::Parts(Format::Current)),
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
    fn parts_are_for_those_who_name_their_form() {
        let deferred = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            negotiate(&headers, DEFERRED)
        };
        let (current, legacy) = (Form::Parts(Format::Current), Form::Parts(Format::Legacy));
        let whole = "application/graphql-response+json,application/json;q=0.9";
        for (accept, chosen) in [
            ("multipart/mixed;incrementalSpec=v0.2", Some(current)),
            ("multipart/mixed; incrementalSpec=\"v0.2\"", Some(current)),
            ("multipart/mixed", Some(current)),
            ("multipart/mixed;boundary=x", Some(current)),
            ("multipart/mixed;deferSpec=20220824", Some(legacy)),
            ("multipart/mixed;incrementalSpec=v9", None),
            ("multipart/mixed;deferSpec=2023", None),
            ("multipart/mixed;subscriptionSpec=1.0", None),
            ("multipart/mixed;subscriptionSpec=1.0, application/json", Some(Form::Json)),
            ("application/json, text/event-stream", Some(Form::Events)),
            ("multipart/mixed;q=0.5, application/json", Some(Form::Json)),
            ("*/*", Some(Form::GraphqlResponse)),
        ] {
            assert_eq!(deferred(accept), chosen, "{accept}");
        }
        assert_eq!(
            deferred(
                "multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json,application/json;q=0.9"
            ),
            Some(current)
        );
        assert_eq!(deferred(whole), Some(Form::GraphqlResponse));
        assert_eq!(negotiate(&HeaderMap::new(), DEFERRED), None);
        // What is not deferred comes whole to those who would take it in parts, too.
        assert_eq!(form("multipart/mixed;deferSpec=20220824, application/json"), Some(Form::Json));
        assert_eq!(form("multipart/mixed;deferSpec=20220824"), Some(legacy));
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
        assert_eq!(streams("multipart/mixed"), Some(Form::Multipart));
        assert_eq!(streams("application/json"), None);
        assert_eq!(streams("application/json, text/event-stream;q=0.1"), Some(Form::Events));
        assert_eq!(
            streams("multipart/mixed;subscriptionSpec=1.0, application/json"),
            Some(Form::Multipart)
        );
    }
}
