//! Filters (RFC 7644, section 3.4.2.2): comparisons of attributes, joined by `and`, `or` and `not`, grouped,
//! and within the values of an attribute that has several (`emails[type eq "work"]`).

mod matches;
mod parse;

use std::fmt;

use serde_json::Value;

pub(crate) use matches::as_bool;
pub(crate) use parse::Parser;

/// Bytes of a filter at most,
pub(crate) const LONGEST: usize = 2_000;
/// brackets and parentheses within each other,
pub(crate) const DEEPEST: usize = 16;
/// and comparisons.
pub(crate) const MOST_COMPARISONS: usize = 64;

/// Why a filter, or a path, does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FilterError(pub(crate) String);

/// The name of an attribute as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The schema, where one was written before it.
    pub schema: Option<String>,
    /// The attribute.
    pub attribute: String,
    /// What is within it.
    pub sub: Option<String>,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

impl Op {
    /// All of them.
    pub const ALL: [Self; 9] =
        [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }
}

/// Which resources, or which values of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Both hold.
    And(Box<Self>, Box<Self>),
    /// One of them holds, or both do.
    Or(Box<Self>, Box<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// The attribute has a value.
    Present(Name),
    /// A comparison with a text, a number, a truth value or null.
    Compare(Name, Op, Value),
    /// One of the values of an attribute is such.
    Within(Name, Box<Self>),
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// With what is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut parser = Parser::new(text)?;
        let filter = parser.filter()?;
        parser.end()?;
        Ok(filter)
    }

    /// The text that an attribute must equal for the filter to hold, where it says so plainly: what a
    /// database can look for, before the filter itself is tried.
    pub(crate) fn must_equal(&self, attribute: &str, sub: Option<&str>) -> Option<&str> {
        match self {
            Self::And(one, two) => {
                one.must_equal(attribute, sub).or_else(|| two.must_equal(attribute, sub))
            }
            Self::Compare(name, Op::Eq, Value::String(text)) => {
                let same = |one: Option<&str>, two: Option<&str>| match (one, two) {
                    (Some(one), Some(two)) => one.eq_ignore_ascii_case(two),
                    (one, two) => one == two,
                };
                let found = name.attribute.eq_ignore_ascii_case(attribute)
                    && same(name.sub.as_deref(), sub);
                found.then_some(text)
            }
            Self::Within(name, filter) if name.attribute.eq_ignore_ascii_case(attribute) => {
                filter.must_equal(sub?, None)
            }
            _ => None,
        }
    }
}

impl Filter {
    /// Whether it asks for an attribute, or for what is within it.
    pub(crate) fn mentions(&self, attribute: &str) -> bool {
        match self {
            Self::And(one, two) | Self::Or(one, two) => {
                one.mentions(attribute) || two.mentions(attribute)
            }
            Self::Not(filter) => filter.mentions(attribute),
            Self::Present(name) | Self::Compare(name, ..) | Self::Within(name, _) => {
                name.attribute.eq_ignore_ascii_case(attribute)
            }
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.attribute)?;
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grouped = |f: &mut fmt::Formatter<'_>, filter: &Self, needed: bool| match needed {
            true => write!(f, "({filter})"),
            false => write!(f, "{filter}"),
        };
        match self {
            Self::And(one, two) => {
                grouped(f, one, matches!(**one, Self::Or(..)))?;
                f.write_str(" and ")?;
                grouped(f, two, matches!(**two, Self::Or(..) | Self::And(..)))
            }
            Self::Or(one, two) => {
                write!(f, "{one} or ")?;
                grouped(f, two, matches!(**two, Self::Or(..)))
            }
            Self::Not(filter) => write!(f, "not ({filter})"),
            Self::Present(name) => write!(f, "{name} pr"),
            Self::Compare(name, op, value) => write!(f, "{name} {} {value}", op.as_str()),
            Self::Within(name, filter) => write!(f, "{name}[{filter}]"),
        }
    }
}
