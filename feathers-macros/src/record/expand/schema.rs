//! The schema of a record, and the checks that only the compiler can make: whether the types fit the attributes.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{Names, constraints, field_type, kind_of, relations};
use crate::record::attributes::AppliesTo;
use crate::record::model::{Field, Presence, Record};
use crate::types::option_of;

/// Writes the schema.
pub(super) fn expand(record: &Record, names: &Names) -> TokenStream {
    let core = &names.core;
    let name = record.ident.to_string();
    let id = record.id().map_or("id", |field| field.wire.as_str());
    let docs = &record.docs;
    let fields = record.fields.iter().map(|field| one(field, names));
    let constraints = constraints::expand(record, names);
    let relations = relations::in_schema(record, names);
    quote! {
        const FIELDS: &[#core::Field] = &[#(#fields),*];
        #core::Schema::new(#name, #id, FIELDS, #docs) #constraints #relations
    }
}

/// Writes that the data types of the record are known by its schema.
pub(super) fn described(record: &Record, names: &Names) -> TokenStream {
    let Names { core, data, patch, draft, patch_draft, .. } = names;
    let ident = &record.ident;
    let both = [
        (data, draft, record.data_is_draft(), quote!(Data)),
        (patch, patch_draft, record.patch_is_draft(), quote!(Patch)),
    ];
    let described = both.iter().flat_map(|(own, draft, same, variant)| {
        let impl_of = |ty: &Ident| {
            quote! {
                #[automatically_derived]
                impl #core::Described for #ty {
                    fn type_schema() -> #core::TypeSchema {
                        #core::TypeSchema::#variant(__feathers_schema())
                    }
                }
            }
        };
        std::iter::once(impl_of(own)).chain((!same).then(|| impl_of(draft)))
    });
    let drafts = [(draft, false), (patch_draft, true)].map(|(ty, is_patch)| {
        quote! {
            #[automatically_derived]
            impl #core::Draft for #ty {
                type Record = #ident;
                const IS_PATCH: bool = #is_patch;
            }
        }
    });
    quote!(#(#described)* #(#drafts)*)
}

fn one(field: &Field, names: &Names) -> TokenStream {
    let core = &names.core;
    let Field { ty, wire, docs, attrs, aliases, .. } = field;
    let (kind, nullable) = if attrs.json.is_some() {
        let nullable = option_of(ty).is_some();
        (quote!(#core::DataType::Json), nullable.then(|| quote!(.nullable(true))))
    } else {
        let nullable = field_type(field, names, "NULLABLE");
        (kind_of(field, names), Some(quote!(.nullable(#nullable))))
    };
    let presence = match field.presence() {
        Presence::Id | Presence::Defaulted => Some(quote!(.optional())),
        Presence::Server => Some(quote!(.server())),
        // Of the last two, a flag says it.
        Presence::Required | Presence::Nullable | Presence::Hidden | Presence::Version | Presence::Computed => None,
    };
    let others = attrs.in_schema(core);
    let aliases = (!aliases.is_empty()).then(|| quote!(.aliases(&[#(#aliases),*])));
    let docs = (!docs.is_empty()).then(|| quote!(.docs(#docs)));
    quote!(#core::Field::new(#wire, #kind) #nullable #presence #aliases #others #docs)
}

/// Writes assertions about the types, each at the user's own attribute.
pub(super) fn checks(record: &Record, names: &Names) -> TokenStream {
    let private = &names.private;
    let checks = record.fields.iter().filter(|field| field.attrs.json.is_none()).flat_map(|field| {
        let kind = kind_of(field, names);
        let id = field.attrs.id.map(|_| {
            let message = "an id is a whole number, a text or a UUID";
            quote_spanned!(field.ty.span()=> const _: () = ::core::assert!(#private::is_id(#kind), #message);)
        });
        let of_rules = kind.clone();
        let rules = field.attrs.rules.iter().map(move |rules| {
            let test = match rules.applies_to {
                AppliesTo::Texts => quote!(is_text),
                AppliesTo::Lengths => quote!(has_length),
                AppliesTo::Numbers => quote!(is_number),
            };
            let message = format!("`{}` is a rule for {}", rules.name, rules.applies_to.what());
            quote_spanned!(rules.name.span()=> const _: () = ::core::assert!(#private::#test(#of_rules), #message);)
        });
        let scale = if let Some(scale) = &field.attrs.scale {
            let message = "`scale` is of decimals";
            quote_spanned!(scale.span()=> const _: () = ::core::assert!(#private::is_decimal(#kind), #message);)
        } else {
            let message = "a decimal says how many places it has: `#[service(scale = 2)]`";
            quote_spanned!(field.ty.span()=> const _: () = ::core::assert!(!#private::lacks_scale(#kind), #message);)
        };
        id.into_iter().chain(rules).chain([scale])
    });
    quote!(#(#checks)*)
}
