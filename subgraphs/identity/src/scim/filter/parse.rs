//! Reads filters and paths (the grammar of RFC 7644, figure 1 and section 3.5.2).

use serde_json::Value;

use super::{DEEPEST, Filter, FilterError, LONGEST, MOST_COMPARISONS, Name, Op};

/// A text that is read from its beginning.
pub(crate) struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    comparisons: usize,
    /// Within the values of an attribute, which have no values of their own.
    inside: bool,
}

impl<'a> Parser<'a> {
    /// Over a text that is not too long.
    pub(crate) fn new(text: &'a str) -> Result<Self, FilterError> {
        if text.len() > LONGEST {
            return Err(FilterError(format!("It has more than {LONGEST} bytes: write less.")));
        }
        Ok(Self { text, at: 0, depth: 0, comparisons: 0, inside: false })
    }

    /// Nothing must follow.
    pub(crate) fn end(&mut self) -> Result<(), FilterError> {
        self.blanks();
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected("the end")) }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) -> bool {
        let before = self.at;
        self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
        self.at > before
    }

    fn expected(&self, what: &str) -> FilterError {
        let found: String = self.rest().chars().take(20).collect();
        let found = match found.is_empty() {
            true => "it ends".to_owned(),
            false => format!("there is {found:?}"),
        };
        FilterError(format!("At byte {}, {what} was expected, and {found}.", self.at))
    }

    /// Takes a sign, if it comes next.
    pub(crate) fn take(&mut self, sign: char) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len_utf8();
        }
        found
    }

    /// Takes a word in whatever case, if it comes next and ends there.
    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let found = rest.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word))
            && !rest[word.len()..]
                .starts_with(|c: char| c.is_ascii_alphanumeric() || "_-.:$".contains(c));
        if found {
            self.at += word.len();
        }
        found
    }

    /// `a`, `a.b`, `urn:…:a`, or `urn:…:a.b`.
    pub(crate) fn name(&mut self) -> Result<Name, FilterError> {
        let rest = self.rest();
        let taken = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "_-.:$".contains(c)))
            .unwrap_or(rest.len());
        let token = &rest[..taken];
        let (schema, own) = match token.rsplit_once(':') {
            Some((schema, own)) if is_urn(schema) => (Some(schema.to_owned()), own),
            Some(_) => return Err(self.expected("the name of an attribute")),
            None => (None, token),
        };
        let (attribute, sub) = match own.split_once('.') {
            Some((attribute, sub)) => (attribute, Some(sub)),
            None => (own, None),
        };
        if !is_name(attribute) || !sub.is_none_or(is_name) {
            return Err(self.expected("the name of an attribute"));
        }
        self.at += taken;
        Ok(Name { schema, attribute: attribute.to_owned(), sub: sub.map(str::to_owned) })
    }

    /// One or more conditions, of which one must hold.
    pub(crate) fn filter(&mut self) -> Result<Filter, FilterError> {
        let mut filter = self.all()?;
        while self.joined("or")? {
            filter = Filter::Or(Box::new(filter), Box::new(self.all()?));
        }
        Ok(filter)
    }

    fn all(&mut self) -> Result<Filter, FilterError> {
        let mut filter = self.one()?;
        while self.joined("and")? {
            filter = Filter::And(Box::new(filter), Box::new(self.one()?));
        }
        Ok(filter)
    }

    fn joined(&mut self, word: &str) -> Result<bool, FilterError> {
        let before = self.at;
        let apart = self.blanks();
        if self.word(word) {
            if !apart && !self.text[..before].ends_with([')', ']']) {
                return Err(self.expected("a blank"));
            }
            return Ok(true);
        }
        self.at = before;
        Ok(false)
    }

    fn one(&mut self) -> Result<Filter, FilterError> {
        self.blanks();
        if self.take('(') {
            return self.group();
        }
        let before = self.at;
        if self.word("not") {
            self.blanks();
            if self.take('(') {
                return Ok(Filter::Not(Box::new(self.group()?)));
            }
            // An attribute may be called so.
            self.at = before;
        }
        self.comparison()
    }

    fn group(&mut self) -> Result<Filter, FilterError> {
        let filter = self.nested()?;
        self.blanks();
        if self.take(')') { Ok(filter) } else { Err(self.expected(")")) }
    }

    fn nested(&mut self) -> Result<Filter, FilterError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(FilterError(format!(
                "More than {DEEPEST} brackets are within each other."
            )));
        }
        let filter = self.filter();
        self.depth -= 1;
        filter
    }

    /// What stands between `[` and `]`, after the first of them.
    pub(crate) fn within(&mut self) -> Result<Filter, FilterError> {
        if std::mem::replace(&mut self.inside, true) {
            return Err(FilterError(
                "There are brackets within the values of an attribute.".into(),
            ));
        }
        let filter = self.nested()?;
        self.inside = false;
        self.blanks();
        if self.take(']') { Ok(filter) } else { Err(self.expected("]")) }
    }

    fn comparison(&mut self) -> Result<Filter, FilterError> {
        let name = self.name()?;
        if self.take('[') {
            if name.sub.is_some() {
                return Err(FilterError(format!("{name} has no values to choose from.")));
            }
            return Ok(Filter::Within(name, Box::new(self.within()?)));
        }
        self.comparisons += 1;
        if self.comparisons > MOST_COMPARISONS {
            return Err(FilterError(format!(
                "There are more than {MOST_COMPARISONS} comparisons."
            )));
        }
        if !self.blanks() {
            return Err(self.expected("a blank"));
        }
        if self.word("pr") {
            return Ok(Filter::Present(name));
        }
        let op = Op::ALL.into_iter().find(|op| self.word(op.as_str()));
        let Some(op) = op else {
            return Err(self.expected("pr, eq, ne, co, sw, ew, gt, ge, lt or le"));
        };
        if !self.blanks() {
            return Err(self.expected("a blank"));
        }
        Ok(Filter::Compare(name, op, self.value()?))
    }

    /// A text, a number, `true`, `false` or `null`, as JSON has them.
    fn value(&mut self) -> Result<Value, FilterError> {
        const WHAT: &str = "a text in quotation marks, a number, true, false or null";
        for (word, value) in
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
        {
            if self.word(word) {
                return Ok(value);
            }
        }
        let rest = self.rest();
        let length = match rest.starts_with('"') {
            true => end_of_text(rest),
            false => rest.find([' ', ')', ']']).or(Some(rest.len())),
        };
        let written =
            length.and_then(|length| rest.get(..length)).ok_or_else(|| self.expected(WHAT))?;
        let value: Value = serde_json::from_str(written).map_err(|_| self.expected(WHAT))?;
        if !(value.is_string() || value.is_number()) {
            return Err(self.expected(WHAT));
        }
        // Databases take no text with it.
        if value.as_str().is_some_and(|text| text.contains('\0')) {
            return Err(self.expected("a text without the character U+0000"));
        }
        self.at += written.len();
        Ok(value)
    }
}

/// Where a text in quotation marks ends, behind its last one.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The name of an attribute (RFC 7643, section 2.1), or `$ref`.
fn is_name(text: &str) -> bool {
    let own = text.strip_prefix('$').unwrap_or(text);
    own.starts_with(|c: char| c.is_ascii_alphabetic())
        && own.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn is_urn(text: &str) -> bool {
    text.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("urn:")) && text.len() > 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_read_as_the_specification_has_them() {
        for (text, written) in [
            (r#"userName eq "bjensen""#, r#"userName eq "bjensen""#),
            (r#"name.familyName co "O'Malley""#, r#"name.familyName co "O'Malley""#),
            (
                r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
                r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
            ),
            ("title pr", "title pr"),
            (
                r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
                r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
            ),
            (r#"title pr and userType eq "Employee""#, r#"title pr and userType eq "Employee""#),
            (r#"title pr OR userType EQ "Intern""#, r#"title pr or userType eq "Intern""#),
            (
                r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
                r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
            ),
            (
                r#"userType ne "Employee" and not (emails co "example.com")"#,
                r#"userType ne "Employee" and not (emails co "example.com")"#,
            ),
            (
                r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]"#,
                r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]"#,
            ),
            ("a pr or b pr and c pr", "a pr or b pr and c pr"),
            ("(a pr or b pr) and c pr", "(a pr or b pr) and c pr"),
            ("((a pr))and(b eq 1)", "a pr and b eq 1"),
            ("  a eq true ", "a eq true"),
            (r#"a eq "\"\u00fc\\""#, r#"a eq "\"ü\\""#),
            ("not eq null", "not eq null"),
            ("members[$ref eq -1.5]", "members[$ref eq -1.5]"),
        ] {
            let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(filter.to_string(), written, "{text}");
            assert_eq!(Filter::parse(written), Ok(filter), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for bad in [
            "",
            " ",
            "a",
            "a eq",
            "a eq ",
            "eq \"x\"",
            "a xx \"x\"",
            "a eq 'x'",
            "a eq \"x",
            "a eq x",
            "a eq [1]",
            "a eq {}",
            "a pr b pr",
            "a pr and",
            "a pr or",
            "(a pr",
            "a pr)",
            "a[b pr",
            "a[b pr]]",
            "a[b[c pr]]",
            "a.b[c pr]",
            "a.b.c pr",
            "a. pr",
            ".a pr",
            "1a pr",
            "not a pr",
            "a:b pr",
            "urn:a: pr",
            "a  pr;",
            "a eq \"x\"; drop table identity_users",
            "a eq \"x\" --",
            "a eq \"x\" or 1=1",
            "ä pr",
            "a\u{a0}pr",
            "a\teq 1",
            "a eq \"\\x\"",
            "a eq \"\n\"",
            "a eq \"\\u0000\"",
            "a eq 1e999",
            "a pr\0",
        ] {
            assert!(Filter::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn filters_have_limits() {
        let nested = |depth: usize| format!("{}a pr{}", "(".repeat(depth), ")".repeat(depth));
        assert!(Filter::parse(&nested(DEEPEST)).is_ok());
        assert!(Filter::parse(&nested(DEEPEST + 1)).is_err());
        assert!(Filter::parse(&"not (".repeat(300)).is_err());
        let many = |times: usize| vec!["a pr"; times].join(" or ");
        assert!(Filter::parse(&many(MOST_COMPARISONS)).is_ok());
        assert!(Filter::parse(&many(MOST_COMPARISONS + 1)).is_err());
        let long = format!("a eq \"{}\"", "x".repeat(LONGEST));
        assert!(Filter::parse(&long).is_err());
    }

    #[test]
    fn a_database_looks_for_what_must_be_equal() {
        let of = |text: &str, attribute: &str, sub: Option<&str>| {
            let filter = Filter::parse(text).unwrap();
            filter.must_equal(attribute, sub).map(str::to_owned)
        };
        assert_eq!(of(r#"USERNAME eq "x""#, "userName", None).as_deref(), Some("x"));
        assert_eq!(
            of(r#"active eq true and userName eq "x""#, "userName", None).as_deref(),
            Some("x")
        );
        assert_eq!(of(r#"members[value eq "u"]"#, "members", Some("value")).as_deref(), Some("u"));
        assert_eq!(of(r#"members.value eq "u""#, "members", Some("value")).as_deref(), Some("u"));
        for other in [
            r#"userName ne "x""#,
            r#"not (userName eq "x")"#,
            r#"userName eq "x" or active eq true"#,
            r#"userName eq 1"#,
            r#"userName co "x""#,
            r#"name.userName eq "x""#,
        ] {
            assert_eq!(of(other, "userName", None), None, "{other}");
        }
    }
}
