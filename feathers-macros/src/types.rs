//! Types: what can be told of a type by how it is written, and generated code that stands at its place.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{GenericArgument, Lifetime, PathArguments, PathSegment, Type};

/// Returns the last part of a path type: `Option<i64>` of `std::option::Option<i64>`.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

/// Returns the inner type of an `Option`.
pub(crate) fn option_of(ty: &Type) -> Option<&Type> {
    last_segment(ty).filter(|segment| segment.ident == "Option")?;
    argument_of(ty)
}

/// Returns the first type argument: `Todo` of `Result<Todo>`.
pub(crate) fn argument_of(ty: &Type) -> Option<&Type> {
    match &last_segment(ty)?.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(GenericArgument::Type(inner)) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

/// Tells whether a type is a shared reference to a type of this name.
pub(crate) fn is_reference_to(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Reference(reference) => {
            reference.mutability.is_none() && last_segment(&reference.elem).is_some_and(|segment| segment.ident == name)
        }
        _ => false,
    }
}

/// Returns the type with its lifetimes left to be inferred, for a place at which those of a signature are not known.
pub(crate) fn elided(ty: &Type) -> Type {
    struct Elide;

    impl VisitMut for Elide {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            if lifetime.ident != "static" {
                lifetime.ident = Ident::new("_", lifetime.ident.span());
            }
        }
    }

    let mut ty = ty.clone();
    Elide.visit_type_mut(&mut ty);
    ty
}

/// Returns the place of the user's type for generated code, whose names still mean what they mean in generated code.
pub(crate) fn at(ty: &Type) -> Span {
    Span::call_site().located_at(ty.span())
}

/// Returns the places where a type begins and ends.
pub(crate) fn ends(ty: &Type) -> (Span, Span) {
    let mut tokens = ty.to_token_stream().into_iter();
    let first = tokens.next().map_or_else(Span::call_site, |token| token.span());
    (first, tokens.last().map_or(first, |token| token.span()))
}

/// Moves the tokens of a path to a place, so that errors about it point there.
pub(crate) fn moved(path: &TokenStream, span: Span) -> TokenStream {
    let tokens = path.clone().into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    tokens.collect()
}
