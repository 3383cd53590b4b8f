//! Types: what can be told of a type by how it is written.

use syn::{GenericArgument, PathArguments, PathSegment, Type};

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
    let segment = last_segment(ty).filter(|segment| segment.ident == "Option")?;
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(GenericArgument::Type(inner)) if arguments.args.len() == 1 => Some(inner),
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
