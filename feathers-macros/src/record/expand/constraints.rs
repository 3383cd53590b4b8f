//! The constraints of a record, in its schema, and the checks that only the compiler can make of them.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{Names, field_type};
use crate::record::model::{Field, Record};
use crate::types::moved;

/// Writes the call that adds the constraints to the schema; nothing where there are none.
pub(super) fn expand(record: &Record, names: &Names) -> Option<TokenStream> {
    let core = &names.core;
    let alone = record.fields.iter().filter_map(|field| {
        let (unique, wire) = (field.attrs.unique.as_ref()?, &field.wire);
        let fold = unique.ignore_case.then(|| quote!(.ignore_case()));
        Some(quote!(#core::Unique::new(&[#wire]) #fold))
    });
    let together = record.constraints.iter().filter(|together| together.name == "unique").map(|together| {
        let wires = wires(record, &together.fields);
        let fold = together.ignore_case.map(|_| quote!(.ignore_case()));
        quote!(#core::Unique::new(&[#(#wires),*]) #fold)
    });
    let unique: Vec<_> = alone.chain(together).collect();
    let alone = record.fields.iter().filter(|field| field.attrs.index.is_some()).map(|field| {
        let wire = &field.wire;
        quote!(&[#wire])
    });
    let together = record.constraints.iter().filter(|together| together.name == "index").map(|together| {
        let wires = wires(record, &together.fields);
        quote!(&[#(#wires),*])
    });
    let indexes: Vec<_> = alone.chain(together).collect();
    let references: Vec<_> = record.fields.iter().filter_map(|field| reference(field, names)).collect();
    if unique.is_empty() && indexes.is_empty() && references.is_empty() {
        return None;
    }
    Some(quote! {
        .constraints({
            const UNIQUE: &[#core::Unique] = &[#(#unique),*];
            const INDEXES: &[&[&str]] = &[#(#indexes),*];
            const REFERENCES: &[#core::Reference] = &[#(#references),*];
            const CONSTRAINTS: &#core::Constraints =
                &#core::Constraints::new().unique(UNIQUE).indexes(INDEXES).references(REFERENCES);
            CONSTRAINTS
        })
    })
}

/// Writes the reference of a field; it compiles only if the field has the type of the other record's id.
fn reference(field: &Field, names: &Names) -> Option<TokenStream> {
    let reference = field.attrs.references.as_ref().filter(|_| field.attrs.json.is_none())?;
    let Field { ty, wire, .. } = field;
    let (target, on_delete) = (&reference.record, &reference.on_delete.0);
    let span = target.span();
    let (core, private) = (moved(&names.core, span), moved(&names.private, span));
    Some(quote_spanned! {span=>
        #private::reference::<#ty, #target>(#wire, #core::OnDelete::#on_delete)
    })
}

/// Writes that other records can refer to this one, by the type of its id.
pub(super) fn identified(record: &Record, names: &Names) -> TokenStream {
    let (core, private, ident) = (&names.core, &names.private, &record.ident);
    let id = record.id().map(|field| {
        let ty = &field.ty;
        quote! {
            #[automatically_derived]
            impl #private::Identified for #ident {
                type Id = #ty;
                const SCHEMA: fn() -> #core::Schema = __feathers_schema;
            }
        }
    });
    quote!(#id)
}

/// Writes assertions about the types, each at the user's own attribute.
pub(super) fn checks(record: &Record, names: &Names) -> TokenStream {
    let private = &names.private;
    let mut checks = Vec::new();
    let check = |field: &Field, test: &str, span, message: String| {
        let (kind, test) = (field_type(field, names, "KIND"), Ident::new(test, span));
        quote_spanned!(span=> const _: () = ::core::assert!(#private::#test(#kind), #message);)
    };
    for field in record.fields.iter().filter(|field| field.attrs.json.is_none()) {
        let attrs = &field.attrs;
        for (name, span) in attrs.key_attributes() {
            let message = format!("`{name}` compares values, and this field is JSON");
            checks.push(check(field, "is_key", span, message));
        }
        if let Some(unique) = attrs.unique.as_ref().filter(|unique| unique.ignore_case) {
            checks.push(check(field, "is_text", unique.span, "only texts have a case to ignore".to_owned()));
        }
    }
    for together in &record.constraints {
        let fields: Vec<&Field> = together.fields.iter().filter_map(|name| record.field(name)).collect();
        for (field, name) in fields.iter().zip(&together.fields) {
            if field.attrs.json.is_none() {
                let message = format!("`{}` compares values, and `{name}` is JSON", together.name);
                checks.push(check(field, "is_key", name.span(), message));
            }
        }
        if let Some(span) = together.ignore_case {
            let kinds = fields.iter().filter(|field| field.attrs.json.is_none());
            let kinds: Vec<_> = kinds.map(|field| field_type(field, names, "KIND")).collect();
            let message = "only texts have a case to ignore";
            let test = quote!(false #(|| #private::is_text(#kinds))*);
            checks.push(quote_spanned!(span=> const _: () = ::core::assert!(#test, #message);));
        }
    }
    quote!(#(#checks)*)
}

/// Returns the wire names of fields; one that is none has been refused.
fn wires<'a>(record: &'a Record, names: &[Ident]) -> Vec<&'a str> {
    names.iter().filter_map(|name| record.field(name)).map(|field| field.wire.as_str()).collect()
}
