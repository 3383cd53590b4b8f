//! The formats of texts, as strict as those of `ajv-formats`.

/// Tells whether this is an e-mail address: `local@domain.tld`, without comments or quotes.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte))
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    local.split('.').all(atom) && domain.contains('.') && domain.split('.').all(label)
}

/// Tells whether this is an absolute URL: a scheme, a colon and something in the characters that URLs have.
pub(super) fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let is_legal = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte));
    let is_escaped = rest
        .split('%')
        .skip(1)
        .all(|after| after.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    // `http://` alone names nothing; `file:///etc` has an empty host by right.
    let names_something = match rest.strip_prefix("//") {
        Some(after) => !after.is_empty() && (scheme.eq_ignore_ascii_case("file") || !after.starts_with('/')),
        None => !rest.is_empty(),
    };
    is_scheme && is_legal && is_escaped && names_something
}
