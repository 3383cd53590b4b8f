//! The attributes of validation, from their tokens to variants of the schema's `Rule`: `length`, `range`, `email`, `url`, `one_of`.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Expr, ExprUnary, Lit, RangeLimits, Token, UnOp};

use crate::attributes;
use crate::record::attributes::no_value;

/// The bounds of `length` and `range`.
#[derive(Default)]
struct Bounds {
    min: Option<Expr>,
    max: Option<Expr>,
    /// Whether `max` itself is out.
    open: bool,
}

/// Reads `length(..)`.
pub(super) fn length(name: &Ident, input: ParseStream) -> syn::Result<Vec<TokenStream>> {
    length_within(&bounds(name, input)?)
}

/// Reads `range(..)`.
pub(super) fn range(name: &Ident, input: ParseStream) -> syn::Result<Vec<TokenStream>> {
    range_within(&bounds(name, input)?)
}

/// Reads the name of a format, which has no value.
pub(super) fn format(name: &Ident, input: ParseStream, variant: TokenStream) -> syn::Result<Vec<TokenStream>> {
    no_value(name, input)?;
    Ok(vec![variant])
}

/// Reads `one_of(..)`.
pub(super) fn one_of(name: &Ident, input: ParseStream) -> syn::Result<Vec<TokenStream>> {
    let texts = attributes::texts(name, input, "expected: `one_of(\"a\", \"b\")`")?;
    for (index, text) in texts.iter().enumerate() {
        if texts.iter().take(index).any(|earlier| earlier.value() == text.value()) {
            return Err(attributes::twice(text.value(), text.span()));
        }
    }
    Ok(vec![quote!(OneOf(&[#(#texts),*]))])
}

fn bounds(name: &Ident, input: ParseStream) -> syn::Result<Bounds> {
    let usage = format!("expected: `{name}(1..=280)`, or `{name}(min = 1, max = 280)` with at least one of the two");
    attributes::brackets(name, input, &usage, |content| {
        let start = content.fork();
        let bounds = if content.peek(syn::Ident) && content.peek2(Token![=]) && !content.peek2(Token![==]) {
            named_bounds(name, content)?
        } else {
            match content.parse::<Expr>()? {
                Expr::Range(range) => Bounds {
                    min: range.start.map(|bound| *bound),
                    max: range.end.map(|bound| *bound),
                    open: matches!(range.limits, RangeLimits::HalfOpen(_)),
                },
                other => return Err(syn::Error::new_spanned(other, &usage)),
            }
        };
        let literal = |bound: &Option<Expr>| bound.as_ref().map(number);
        match (literal(&bounds.min), literal(&bounds.max)) {
            (None, None) => Err(syn::Error::new(name.span(), &usage)),
            (Some(Some(low)), Some(Some(high))) if low > high || bounds.open && low >= high => {
                Err(syn::Error::new_spanned(start.parse::<TokenStream>()?, "no value is within these bounds"))
            }
            _ => Ok(bounds),
        }
    })
}

fn named_bounds(name: &Ident, content: ParseStream) -> syn::Result<Bounds> {
    let mut bounds = Bounds::default();
    while !content.is_empty() {
        let bound = content.call(Ident::parse_any)?;
        let slot = match bound.to_string().as_str() {
            "min" => &mut bounds.min,
            "max" => &mut bounds.max,
            _ => return Err(attributes::unknown("bound", &format!("of `{name}`"), &bound, &["min", "max"])),
        };
        content.parse::<Token![=]>()?;
        attributes::once(slot, &bound, content.parse::<Expr>()?)?;
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(bounds)
}

fn length_within(bounds: &Bounds) -> syn::Result<Vec<TokenStream>> {
    let mut variants = Vec::new();
    for bound in bounds.min.iter().chain(&bounds.max) {
        if number(bound).is_some_and(|number| number < 0.0 || number.fract() != 0.0) {
            return Err(syn::Error::new_spanned(bound, "a length is a whole number of characters"));
        }
    }
    if let Some(min) = &bounds.min {
        variants.push(quote_spanned!(min.span()=> MinLength(#min)));
    }
    if let Some(max) = &bounds.max {
        let max = if bounds.open { quote_spanned!(max.span()=> #max - 1) } else { quote!(#max) };
        variants.push(quote_spanned!(max.span()=> MaxLength(#max)));
    }
    Ok(variants)
}

fn range_within(bounds: &Bounds) -> syn::Result<Vec<TokenStream>> {
    let mut variants = Vec::new();
    if let Some(min) = &bounds.min {
        let value = float(min)?;
        variants.push(quote_spanned!(min.span()=> Minimum(#value)));
    }
    if let Some(max) = &bounds.max {
        let value = float(max)?;
        variants.push(if bounds.open {
            quote_spanned!(max.span()=> ExclusiveMaximum(#value))
        } else {
            quote_spanned!(max.span()=> Maximum(#value))
        });
    }
    Ok(variants)
}

/// Returns a bound as an `f64`: a literal as it is, a constant through a cast.
fn float(bound: &Expr) -> syn::Result<TokenStream> {
    match (number(bound), bound) {
        (Some(number), _) => {
            let mut literal = proc_macro2::Literal::f64_suffixed(number.abs());
            literal.set_span(bound.span());
            Ok(if number < 0.0 { quote_spanned!(bound.span()=> -#literal) } else { quote!(#literal) })
        }
        (None, Expr::Lit(literal)) => Err(syn::Error::new(literal.span(), "expected a number")),
        (None, bound) => Ok(quote_spanned!(bound.span()=> (#bound) as f64)),
    }
}

/// Returns the value of a literal number.
fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(int) => int.base10_parse().ok(),
            Lit::Float(float) => float.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => number(expr).map(|number| -number),
        Expr::Paren(paren) => number(&paren.expr),
        Expr::Group(group) => number(&group.expr),
        _ => None,
    }
}
