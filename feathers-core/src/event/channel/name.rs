//! Names of channels: texts, lists of texts, and tuples whose parts cannot run into each other.

use std::fmt::{Display, Write};

/// What names channels: a text, a tuple of parts, or a list of texts for a combined channel.
///
/// The parts of a tuple are put together with `/`, and a `/` or `%` inside a part is escaped, so that different parts are
/// different channels: `("rooms", 7)` is `rooms/7`, and `("a", "b/c")` is not `("a/b", "c")`.
pub trait IntoChannelNames {
    /// Calls the closure with each name.
    fn each_name(self, name: impl FnMut(&str));
}

impl IntoChannelNames for &str {
    fn each_name(self, mut name: impl FnMut(&str)) {
        name(self);
    }
}

impl IntoChannelNames for String {
    fn each_name(self, name: impl FnMut(&str)) {
        self.as_str().each_name(name);
    }
}

impl IntoChannelNames for &String {
    fn each_name(self, name: impl FnMut(&str)) {
        self.as_str().each_name(name);
    }
}

impl<T: AsRef<str>, const N: usize> IntoChannelNames for [T; N] {
    fn each_name(self, name: impl FnMut(&str)) {
        self.as_slice().each_name(name);
    }
}

impl<T: AsRef<str>> IntoChannelNames for &[T] {
    fn each_name(self, name: impl FnMut(&str)) {
        self.iter().map(AsRef::as_ref).for_each(name);
    }
}

impl<T: AsRef<str>> IntoChannelNames for Vec<T> {
    fn each_name(self, name: impl FnMut(&str)) {
        self.as_slice().each_name(name);
    }
}

/// Writes a part with its separators escaped.
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for char in text.chars() {
            match char {
                '%' => self.0.push_str("%25"),
                '/' => self.0.push_str("%2F"),
                char => self.0.push(char),
            }
        }
        Ok(())
    }
}

fn add(name: &mut String, part: &impl Display) {
    // Writing to a text fails only where the part's own `Display` does.
    let _ = write!(Escaped(name), "{part}");
}

macro_rules! tuples {
    ($($first:ident $($part:ident)*;)*) => {$(
        impl<$first: Display, $($part: Display),*> IntoChannelNames for ($first, $($part,)*) {
            #[expect(non_snake_case, reason = "a part is called as its type")]
            fn each_name(self, mut name: impl FnMut(&str)) {
                let ($first, $($part,)*) = self;
                let mut text = String::new();
                add(&mut text, &$first);
                $(
                    text.push('/');
                    add(&mut text, &$part);
                )*
                name(&text);
            }
        }
    )*};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of: impl IntoChannelNames) -> Vec<String> {
        let mut names = Vec::new();
        of.each_name(|name| names.push(name.to_owned()));
        names
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_eq!(names(("rooms", 7)), ["rooms/7"]);
        assert_eq!(names(("a", "b/c")), ["a/b%2Fc"]);
        assert_eq!(names(("a/b", "c")), ["a%2Fb/c"]);
        assert_eq!(names(("a%2Fb", "c")), ["a%252Fb/c"]);
        assert_eq!((names(("a",)), names(("a", ""))), (vec!["a".to_owned()], vec!["a/".to_owned()]));
        assert_eq!(names(("a", String::from("b"), 'c', true)), ["a/b/c/true"]);
        assert_eq!(names(["a", "b/c"]), ["a", "b/c"]);
    }
}
