//! The form in which texts are kept: in lower case, and without the space around them.

use std::borrow::Cow;

use crate::data::schema::Field;

/// A field whose texts `lowercase` and `trim` bring into the form in which they are kept.
#[diagnostic::on_unimplemented(
    message = "`lowercase` and `trim` are for texts, and `{Self}` is none",
    label = "not a text",
    note = "they stand on a `String` or an `Option<String>`"
)]
pub trait Text {
    /// Brings the text into its form.
    fn normalise(&mut self, lowercase: bool, trim: bool);
}

impl Text for String {
    fn normalise(&mut self, lowercase: bool, trim: bool) {
        if let Cow::Owned(text) = normal_form(self, lowercase, trim) {
            *self = text;
        }
    }
}

impl<T: Text> Text for Option<T> {
    fn normalise(&mut self, lowercase: bool, trim: bool) {
        if let Some(text) = self {
            text.normalise(lowercase, trim);
        }
    }
}

/// Returns a text in the form in which a field keeps it; used for data and for the values of queries alike.
pub(crate) fn of_field<'a>(text: &'a str, field: &Field) -> Cow<'a, str> {
    normal_form(text, field.lowercase, field.trim)
}

fn normal_form(text: &str, lowercase: bool, trim: bool) -> Cow<'_, str> {
    let trimmed = if trim { text.trim() } else { text };
    let is_lower = |letter: char| {
        let mut lower = letter.to_lowercase();
        lower.next() == Some(letter) && lower.next().is_none()
    };
    if lowercase && !trimmed.chars().all(is_lower) {
        return Cow::Owned(trimmed.to_lowercase());
    }
    if trimmed.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(trimmed.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_brought_into_their_form() {
        let cases = [
            (" ANN@Example.com\t", true, true, "ann@example.com"),
            (" Ann ", true, false, " ann "),
            (" Ann ", false, true, "Ann"),
            (" Ann ", false, false, " Ann "),
            ("STRASSE ÄÖ", true, true, "strasse äö"),
            ("ΟΔΟΣ", true, false, "οδος"),
            ("  ", true, true, ""),
        ];
        for (text, lowercase, trim, expected) in cases {
            let mut own = Some(text.to_owned());
            own.normalise(lowercase, trim);
            assert_eq!(own.as_deref(), Some(expected), "{text:?}");
            own.normalise(lowercase, trim);
            assert_eq!(own.as_deref(), Some(expected), "a form is a form: {text:?}");
        }
        let mut none: Option<String> = None;
        none.normalise(true, true);
        assert_eq!(none, None);
    }
}
