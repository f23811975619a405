//! Lists that are sorted by what rows say and not by when they came into being. Pages are found by their
//! keys in the database; a key is stored beside what it is of, so that every database sorts alike.

use std::fmt;

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

/// The letters of a text that its key has: a cursor holds the key, and must not grow without end.
const LETTERS: usize = 100;
/// The digits to which numbers in a key are filled up.
const DIGITS: usize = 8;

/// A text as texts are sorted: by its first letters, all small, and numbers in it by their value.
pub(crate) fn sort_key(text: &str) -> String {
    let mut key = String::new();
    let mut number = String::new();
    let flush = |key: &mut String, number: &mut String| {
        let digits = number.trim_start_matches('0');
        if !number.is_empty() {
            key.push_str(&"0".repeat(DIGITS.saturating_sub(digits.len())));
            key.push_str(digits);
        }
        number.clear();
    };
    for letter in text.chars().take(LETTERS).flat_map(char::to_lowercase) {
        if letter.is_ascii_digit() {
            number.push(letter);
            continue;
        }
        flush(&mut key, &mut number);
        key.push(letter);
    }
    flush(&mut key, &mut number);
    key
}

/// What is searched of something that has a code and a title.
pub(crate) fn search_text(code: &str, title: &str) -> String {
    format!("{code}\n{title}").to_lowercase()
}

/// The pattern of texts that contain this one; `!` escapes.
pub(super) fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '!' | '%' | '_') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// What a row is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// A key made by [`sort_key`].
    Text(String),
    /// An instant or a count.
    Number(i64),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl From<Key> for sea_orm::Value {
    fn from(key: Key) -> Self {
        match key {
            Key::Text(text) => text.into(),
            Key::Number(number) => number.into(),
        }
    }
}

/// Something that a list may be sorted by.
pub(crate) trait SortBy: Copy {
    /// What is listed.
    type Entity: EntityTrait;

    /// What it is called in cursors.
    fn name(self) -> &'static str;
    /// The column with the key.
    fn column(self) -> <Self::Entity as EntityTrait>::Column;
    /// The column that sorts rows of the same key.
    fn ordinal() -> <Self::Entity as EntityTrait>::Column;
    /// The key of a row and its ordinal.
    fn place(self, row: &<Self::Entity as EntityTrait>::Model) -> (Key, i64);
    /// A key as a cursor has it.
    fn key(self, text: &str) -> Option<Key>;
}

/// A page of a sorted list.
#[derive(Debug, Clone)]
pub(crate) struct Sorted<S> {
    by: S,
    descending: bool,
    after: Option<(Key, i64)>,
    limit: u64,
}

impl<S: SortBy> Sorted<S> {
    /// The page after a cursor, or `None` where the cursor is of a list that is sorted otherwise.
    pub(crate) fn after(by: S, descending: bool, cursor: Option<&str>, limit: u64) -> Option<Self> {
        let mut sorted = Self { by, descending, after: None, limit };
        if let Some(cursor) = cursor {
            let (ordinal, key) = cursor.strip_prefix(&sorted.name())?.split_once('/')?;
            sorted.after = Some((by.key(key)?, ordinal.parse().ok()?));
        }
        Some(sorted)
    }

    /// The cursor of a row.
    pub(crate) fn cursor(&self, row: &<S::Entity as EntityTrait>::Model) -> String {
        let (key, ordinal) = self.by.place(row);
        format!("{}{ordinal}/{key}", self.name())
    }

    fn name(&self) -> String {
        format!("{}{}", self.by.name(), if self.descending { '-' } else { '+' })
    }

    /// The rows of the page.
    pub(super) fn page(&self, mut select: Select<S::Entity>) -> Select<S::Entity> {
        let (key, ordinal) = (self.by.column(), S::ordinal());
        if let Some((at, place)) = self.after.clone() {
            let same = Condition::all().add(key.eq(at.clone()));
            select = select.filter(match self.descending {
                false => Condition::any().add(key.gt(at)).add(same.add(ordinal.gt(place))),
                true => Condition::any().add(key.lt(at)).add(same.add(ordinal.lt(place))),
            });
        }
        select = match self.descending {
            false => select.order_by_asc(key).order_by_asc(ordinal),
            true => select.order_by_desc(key).order_by_desc(ordinal),
        };
        select.limit(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sorted_by_their_value_and_letters_without_their_case() {
        let mut codes = ["AC-10", "ac-2", "AC-2.1", "AC-02", "B", "Ä", "AC-123456789", "AC"];
        codes.sort_by_key(|code| sort_key(code));
        assert_eq!(codes, ["AC", "ac-2", "AC-02", "AC-2.1", "AC-10", "AC-123456789", "B", "Ä"]);
        assert_eq!(sort_key("0"), "00000000");
        assert_eq!(sort_key(&"x".repeat(400)).len(), LETTERS);
    }

    #[test]
    fn what_is_searched_for_is_no_pattern() {
        assert_eq!(containing("50 %_Off!"), "%50 !%!_off!!%");
    }
}
