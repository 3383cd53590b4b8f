//! The lists in `#[service(..)]` and `#[method(..)]`, read item by item, so that one mistake does not hide the next.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, LitStr, Meta, Token, parenthesized};

use crate::errors::Errors;

/// The items that may stand at one place. The docs, the parser and the error for an unknown one all come from it.
pub(crate) struct Items<T: 'static> {
    /// What one is called.
    pub(crate) what: &'static str,
    /// Where it stands: "on a field".
    pub(crate) place: &'static str,
    pub(crate) known: &'static [Item<T>],
}

/// One item, such as `server` or `length(..)`.
pub(crate) struct Item<T> {
    pub(crate) name: &'static str,
    /// Reads what follows the name.
    pub(crate) read: fn(&mut T, &Ident, ParseStream) -> syn::Result<()>,
}

impl<T> Items<T> {
    /// Reads the item of this name.
    pub(crate) fn read_item(&self, target: &mut T, name: &Ident, input: ParseStream) -> syn::Result<()> {
        let Some(item) = self.known.iter().find(|item| name == item.name) else {
            let legal: Vec<_> = self.known.iter().map(|item| item.name).collect();
            return Err(unknown(self.what, self.place, name, &legal));
        };
        (item.read)(target, name, input)
    }

    /// Tells whether one of them has this name.
    pub(crate) fn has(&self, name: &Ident) -> bool {
        self.known.iter().any(|item| name == item.name)
    }
}

/// Declares the items of one place: the name of each, how it is read, and its rows in the docs.
///
/// The docs are a macro that is a Markdown table, for `#[doc = ..]`.
macro_rules! items {
    (
        $(#[$meta:meta])*
        $vis:vis const $items:ident: $target:ty = $what:literal, $place:literal;
        docs $docs:ident;
        $($name:literal => $read:expr, $($form:literal: $does:literal),+;)*
    ) => {
        $(#[$meta])*
        $vis const $items: $crate::attributes::Items<$target> = $crate::attributes::Items {
            what: $what,
            place: $place,
            known: &[$($crate::attributes::Item { name: $name, read: $read }),*],
        };

        macro_rules! $docs {
            () => {
                concat!("| ", $what, " | what it does |\n|---|---|\n", $($("| ", $form, " | ", $does, " |\n"),+),*)
            };
        }
        pub(crate) use $docs;
    };
}

pub(crate) use items;

/// What an unknown name says: the one that was meant, or all that are legal.
pub(crate) fn unknown(what: &str, place: &str, name: &Ident, legal: &[&str]) -> syn::Error {
    let text = name.unraw().to_string();
    let hint = nearest(&text, legal.iter().copied()).map_or_else(
        || format!("\nlegal are: {}", legal.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        |near| format!(", did you mean `{near}`?"),
    );
    syn::Error::new(name.span(), format!("unknown {what} `{text}` {place}{hint}"))
}

/// Returns the legal name that is at most two typing mistakes away.
pub(crate) fn nearest<'a>(name: &str, legal: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = legal.into_iter().map(|legal| (distance(&name.to_lowercase(), legal), legal)).min()?;
    let (distance, legal) = near;
    (distance <= 2 && distance < legal.len()).then_some(legal)
}

/// Counts the letters to insert, delete, replace or swap.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(left != right);
            let mut best = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *right && b[j - 1] == *left {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// Reads the items of every `#[name(..)]` among these attributes.
pub(crate) fn read(
    attrs: &[Attribute],
    name: &str,
    errors: &mut Errors,
    mut item: impl FnMut(&Ident, ParseStream) -> syn::Result<()>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        match &attr.meta {
            Meta::List(list) => read_list(list.tokens.clone(), errors, &mut item),
            meta => errors.on(meta, format!("expected: #[{name}(..)]")),
        }
    }
}

/// Reads the items of a comma-separated list.
pub(crate) fn read_list(
    tokens: TokenStream,
    errors: &mut Errors,
    item: &mut impl FnMut(&Ident, ParseStream) -> syn::Result<()>,
) {
    let parser = |input: ParseStream| {
        while !input.is_empty() {
            let read = input.call(Ident::parse_any).and_then(|name| item(&name, input));
            let read = read.and_then(|()| if input.is_empty() { Ok(()) } else { input.parse::<Token![,]>().map(drop) });
            if let Err(error) = read {
                errors.push(error);
                skip_to_next(input)?;
            }
        }
        Ok(())
    };
    // The parser reports its own errors and always reads to the end.
    if let Err(error) = parser.parse2(tokens) {
        errors.push(error);
    }
}

fn skip_to_next(input: ParseStream) -> syn::Result<()> {
    while !input.is_empty() {
        if let TokenTree::Punct(punct) = input.parse()?
            && punct.as_char() == ','
        {
            break;
        }
    }
    Ok(())
}

/// Reads what stands in the brackets behind a name; no or empty brackets are an error that tells the legal form.
pub(crate) fn brackets<T>(
    name: &Ident,
    input: ParseStream,
    usage: &str,
    read: impl FnOnce(ParseStream) -> syn::Result<T>,
) -> syn::Result<T> {
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(name.span(), usage));
    }
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        return Err(syn::Error::new(name.span(), usage));
    }
    let value = read(&content);
    // What is left behind an error is no second error.
    let rest: TokenStream = content.parse()?;
    match value {
        Ok(_) if !rest.is_empty() => Err(syn::Error::new_spanned(rest, usage)),
        value => value,
    }
}

/// Reads the texts in the brackets behind a name, at least one.
pub(crate) fn texts(name: &Ident, input: ParseStream, usage: &str) -> syn::Result<Vec<LitStr>> {
    brackets(name, input, usage, |content| {
        let texts = content.parse_terminated(|content: ParseStream| content.parse::<LitStr>(), Token![,])?;
        Ok(texts.into_iter().collect())
    })
}

/// Sets what may stand only once.
pub(crate) fn once<T>(slot: &mut Option<T>, name: &Ident, value: T) -> syn::Result<()> {
    if slot.is_some() {
        return Err(twice(name, name.span()));
    }
    *slot = Some(value);
    Ok(())
}

/// Says that something stands twice.
pub(crate) fn twice(name: impl std::fmt::Display, span: Span) -> syn::Error {
    syn::Error::new(span, format!("`{name}` stands twice"))
}
