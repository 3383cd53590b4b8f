//! Words: the lists in `#[service(..)]`, read word by word, so that one wrong word does not hide the next.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, LitStr, Meta, Token, parenthesized};

use crate::errors::Errors;

/// What a word that is not known says.
pub(crate) fn unknown(what: &str, word: &Ident, legal: &[&str]) -> syn::Error {
    let word_text = word.unraw().to_string();
    let meant = nearest(&word_text, legal.iter().copied()).map(|near| format!(", did you mean `{near}`?"));
    let list = legal.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let meant = meant.unwrap_or_default();
    syn::Error::new(word.span(), format!("unknown {what} `{word_text}`{meant}\nlegal are: {list}"))
}

/// Returns the legal word that is at most two typing mistakes away.
pub(crate) fn nearest<'a>(word: &str, legal: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = legal.into_iter().map(|legal| (distance(&word.to_lowercase(), legal), legal)).min()?;
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

/// Reads the words of every `#[name(..)]` among these attributes.
pub(crate) fn read(
    attrs: &[Attribute],
    name: &str,
    errors: &mut Errors,
    mut word: impl FnMut(&Ident, ParseStream) -> syn::Result<()>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        match &attr.meta {
            Meta::List(list) => read_list(list.tokens.clone(), errors, &mut word),
            meta => errors.on(meta, format!("expected: #[{name}(..)]")),
        }
    }
}

/// Reads the words of a comma-separated list.
pub(crate) fn read_list(
    tokens: TokenStream,
    errors: &mut Errors,
    word: &mut impl FnMut(&Ident, ParseStream) -> syn::Result<()>,
) {
    let parser = |input: ParseStream| {
        while !input.is_empty() {
            let read = input.call(Ident::parse_any).and_then(|name| word(&name, input));
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

/// Reads what stands in the brackets behind a word; no or empty brackets are an error that tells the legal form.
pub(crate) fn brackets<T>(
    word: &Ident,
    input: ParseStream,
    usage: &str,
    read: impl FnOnce(ParseStream) -> syn::Result<T>,
) -> syn::Result<T> {
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(word.span(), usage));
    }
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        return Err(syn::Error::new(word.span(), usage));
    }
    let value = read(&content);
    // What is left behind an error is no second error.
    let rest: TokenStream = content.parse()?;
    match value {
        Ok(_) if !rest.is_empty() => Err(syn::Error::new_spanned(rest, usage)),
        value => value,
    }
}

/// Reads the texts in the brackets behind a word, at least one.
pub(crate) fn texts(word: &Ident, input: ParseStream, usage: &str) -> syn::Result<Vec<LitStr>> {
    brackets(word, input, usage, |content| {
        let texts = content.parse_terminated(|content: ParseStream| content.parse::<LitStr>(), Token![,])?;
        Ok(texts.into_iter().collect())
    })
}

/// Sets a word that may stand only once.
pub(crate) fn once<T>(slot: &mut Option<T>, word: &Ident, value: T) -> syn::Result<()> {
    if slot.is_some() {
        return Err(twice(word, word.span()));
    }
    *slot = Some(value);
    Ok(())
}

/// Says that a word stands twice.
pub(crate) fn twice(word: impl std::fmt::Display, span: Span) -> syn::Error {
    syn::Error::new(span, format!("`{word}` stands twice"))
}
