//! Matching in Rust: the shared rules, and the text patterns that this store knows beyond them.

use feathers_core::{Comparison, Error, FieldPath, FieldRef, Filter, Record, Result};
use serde_json::Value;

/// A text with this pattern, case counts.
const LIKE: &str = "$like";
/// Everything but.
const NOT_LIKE: &str = "$notlike";
/// A text with this pattern, case does not count.
const ILIKE: &str = "$ilike";

/// All of these.
pub(super) const OPERATORS: [&str; 3] = [LIKE, NOT_LIKE, ILIKE];

/// Refuses operators that this store does not know, and patterns that are no text.
pub(super) fn check(filter: &Filter) -> Result<()> {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().try_for_each(check),
        Filter::Field(path, Comparison::Custom(operator, pattern)) => match &**operator {
            LIKE | NOT_LIKE | ILIKE if pattern.is_string() => Ok(()),
            LIKE | NOT_LIKE | ILIKE => {
                Err(Error::bad_request(format!("Invalid query: '{operator}' of '{}' must be a text", path.name())))
            }
            _ => Err(Error::bad_request(format!("Invalid query parameter {operator}: the database does not know it"))),
        },
        Filter::All | Filter::Field(..) => Ok(()),
        _ => Err(Error::bad_request("Invalid query: the database does not know one of its conditions")),
    }
}

/// Tells whether a record matches.
pub(super) fn matches<R: Record>(record: &R, filter: &Filter) -> bool {
    match filter {
        Filter::All => true,
        Filter::And(filters) => filters.iter().all(|filter| matches(record, filter)),
        Filter::Or(filters) => filters.iter().any(|filter| matches(record, filter)),
        Filter::Field(path, Comparison::Custom(operator, Value::String(pattern))) => {
            let like = |fold: bool| match record.lookup(path) {
                FieldRef::Text(text) if fold => like(&pattern.to_lowercase(), &text.to_lowercase()),
                FieldRef::Text(text) => like(pattern, &text),
                _ => false,
            };
            match &**operator {
                LIKE => like(false),
                NOT_LIKE => !like(false),
                ILIKE => like(true),
                _ => false,
            }
        }
        _ => filter.matches(&|path: &FieldPath| record.lookup(path)),
    }
}

/// Matches as SQL does: `%` is any run of characters, `_` is one.
///
/// It goes back to the last `%` only, so that it takes at most pattern times text steps.
fn like(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let before = text.clone();
        match (pattern.next(), text.next()) {
            (Some('%'), _) => {
                text = before.clone();
                retry = Some((pattern.clone(), before));
            }
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == '_' || wanted == found => {}
            _ => {
                let Some((after, from)) = &mut retry else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (after.clone(), from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("%", "", true),
            ("%", "anything", true),
            ("_", "", false),
            ("_", "ü", true),
            ("a%", "abc", true),
            ("a%", "bac", false),
            ("%c", "abc", true),
            ("%b%", "abc", true),
            ("a%c%e", "abcde", true),
            ("a%c%f", "abcde", false),
            ("%aab", "aaaab", true),
            ("a_c", "abc", true),
            ("a_c", "ac", false),
            ("abc", "ABC", false),
            ("a%", "a\0b", true),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern:?} on {text:?}");
        }
    }
}
