//! How far a client has seen: answers say it, and requests say it back, so that the client reads what
//! it wrote, whichever of the server's processes answers.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// `controls=42;evidence=17`
const HEADER: HeaderName = HeaderName::from_static("studio-positions");
/// So many logs are kept; the server has a handful.
const MOST: usize = 32;

/// The newest position of each log.
#[derive(Debug, Default)]
pub(crate) struct Positions(Mutex<BTreeMap<String, i64>>);

impl Positions {
    /// Takes in what an answer says. What is not well-formed says nothing.
    pub(crate) fn hear(&self, headers: &HeaderMap) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = headers.get_all(HEADER).iter().filter_map(|value| value.to_str().ok());
        for (log, position) in said.flat_map(|text| text.split(';')).filter_map(pair) {
            if let Some(newest) = known.get_mut(log) {
                *newest = position.max(*newest);
            } else if known.len() < MOST {
                known.insert(log.to_owned(), position);
            }
        }
    }

    /// Says it with a request.
    pub(crate) fn say(&self, headers: &mut HeaderMap) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs: Vec<String> =
            known.iter().map(|(log, position)| format!("{log}={position}")).collect();
        if !pairs.is_empty()
            && let Ok(value) = HeaderValue::from_str(&pairs.join(";"))
        {
            headers.insert(HEADER, value);
        }
    }
}

fn pair(text: &str) -> Option<(&str, i64)> {
    let (log, position) = text.trim().split_once('=')?;
    Some((log, position.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_said_back() {
        let positions = Positions::default();
        let mut headers = HeaderMap::new();
        positions.say(&mut headers);
        assert!(headers.is_empty());
        for said in ["controls=42; evidence=17", "controls=41", "nonsense", "ai=x"] {
            let mut answer = HeaderMap::new();
            answer.insert(HEADER, HeaderValue::from_static(said));
            positions.hear(&answer);
        }
        positions.say(&mut headers);
        assert_eq!(headers[HEADER], "controls=42;evidence=17");
    }
}
