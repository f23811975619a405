//! The media type of a version (RFC 9110, section 8.3.1), without parameters and in lower case.

use super::DocumentName;

/// What stands where nothing is known.
const UNKNOWN: &str = "application/octet-stream";

/// A media type without parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaType(String);

/// Why a `Content-Type` cannot stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MediaTypeError {
    /// It does not read as `type/subtype`.
    #[error("\"{0}\" is not a media type: send for example \"Content-Type: text/markdown\"")]
    Malformed(String),
    /// A form holds the document among other things.
    #[error(
        "forms are not read: send the bytes of the document itself as the body, with its own \
         Content-Type"
    )]
    Form,
}

impl MediaType {
    /// Reads a `Content-Type`.
    pub(crate) fn parse(text: &str) -> Result<Self, MediaTypeError> {
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let refuse = || MediaTypeError::Malformed(text.chars().take(64).collect());
        let (kind, subtype) = essence.split_once('/').ok_or_else(refuse)?;
        let token = |part: &str| !part.is_empty() && part.bytes().all(is_token);
        if essence.len() > 127 || !token(kind) || !token(subtype) {
            return Err(refuse());
        }
        if kind == "multipart" {
            return Err(MediaTypeError::Form);
        }
        Ok(Self(essence))
    }

    /// The media type of an upload. Clients that were not told one send none, or one that says
    /// nothing (`curl --data-binary` names a form): then the ending of the name decides.
    pub(crate) fn of_upload(
        content_type: Option<&str>,
        name: &DocumentName,
    ) -> Result<Self, MediaTypeError> {
        let given = content_type.map(Self::parse).transpose()?;
        match given {
            Some(given)
                if !matches!(given.as_str(), UNKNOWN | "application/x-www-form-urlencoded") =>
            {
                Ok(given)
            }
            _ => Ok(Self(by_ending(name.as_str()).to_owned())),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// `tchar` of RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn by_ending(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or(String::new(), |(_, end)| end.to_ascii_lowercase());
    match ending.as_str() {
        "txt" | "log" => "text/plain",
        "md" | "markdown" => "text/markdown",
        "csv" => "text/csv",
        "json" => "application/json",
        "html" | "htm" => "text/html",
        "pdf" => "application/pdf",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_essence() {
        assert_eq!(MediaType::parse("Text/HTML; charset=utf-8").unwrap().as_str(), "text/html");
        for bad in ["", "text", "text/", "/x", "te xt/x", "text/x\r\nSet-Cookie: a", "a/b/c"] {
            assert!(matches!(MediaType::parse(bad), Err(MediaTypeError::Malformed(_))), "{bad}");
        }
        assert_eq!(MediaType::parse("multipart/form-data; boundary=x"), Err(MediaTypeError::Form));
    }

    #[test]
    fn the_ending_decides_where_the_client_does_not() {
        let name = DocumentName::parse("Policy.MD").unwrap();
        for silent in
            [None, Some("application/octet-stream"), Some("application/x-www-form-urlencoded")]
        {
            assert_eq!(MediaType::of_upload(silent, &name).unwrap().as_str(), "text/markdown");
        }
        let told = MediaType::of_upload(Some("text/plain"), &name).unwrap();
        assert_eq!(told.as_str(), "text/plain");
        let bare = DocumentName::parse("README").unwrap();
        assert_eq!(MediaType::of_upload(None, &bare).unwrap().as_str(), UNKNOWN);
    }
}
