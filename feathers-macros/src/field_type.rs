//! `#[derive(FieldType)]`: from an enum of variants without data to a type that a field can have.

use std::collections::HashMap;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DataEnum, DeriveInput, Fields, Path};

use crate::errors::Errors;
use crate::record::attributes;
use crate::record::serde;

/// One variant and its word.
struct Variant {
    ident: Ident,
    word: String,
}

/// Expands the derive.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    Errors::gather(|errors| {
        let input: DeriveInput = match syn::parse2(input) {
            Ok(input) => input,
            Err(error) => {
                errors.push(error);
                return TokenStream::new();
            }
        };
        let framework = attributes::framework(&input.attrs, errors);
        let variants = parse(&input, errors);
        if !input.generics.params.is_empty() {
            return TokenStream::new();
        }
        expand(&input.ident, &framework, &variants.unwrap_or_default())
    })
}

/// Reads the variants; `None` for what is no enum of variants without data.
fn parse(input: &DeriveInput, errors: &mut Errors) -> Option<Vec<Variant>> {
    let what = "a field type is an enum of variants without data";
    let json = "put `#[service(json)]` on fields of this type instead";
    if !input.generics.params.is_empty() {
        errors.on(&input.generics, format!("{what}, and without generic parameters; {json}"));
        return None;
    }
    let data = match &input.data {
        Data::Enum(data) if !data.variants.is_empty() => data,
        Data::Enum(_) => {
            errors.on(&input.ident, format!("{what}, and has one at least"));
            return None;
        }
        Data::Struct(data) => {
            errors.at(data.struct_token.span, format!("{what}; {json}"));
            return None;
        }
        Data::Union(data) => {
            errors.at(data.union_token.span, what);
            return None;
        }
    };
    let container = serde::container(&input.attrs, "the words of the enum", errors);
    let with_data = data.variants.iter().filter(|variant| !matches!(variant.fields, Fields::Unit));
    let mut is_plain = true;
    for variant in with_data {
        is_plain = false;
        errors.on(&variant.fields, format!("{what}, and `{}` has some; {json}", variant.ident));
    }
    is_plain.then(|| variants(data, &container, errors))
}

fn variants(data: &DataEnum, container: &serde::Container, errors: &mut Errors) -> Vec<Variant> {
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut variants = Vec::new();
    for variant in &data.variants {
        let name = variant.ident.unraw().to_string();
        let serde = serde::variant(&variant.attrs, errors);
        let (word, span) = match serde {
            Some(word) => (word.value(), word.span()),
            None => (container.rename_variant(&name), variant.ident.span()),
        };
        if word.contains('\0') {
            errors.at(span, "a word has no NUL character, which databases cannot keep");
        }
        match seen.get(&word) {
            Some(other) => errors.at(span, format!("`{word}` is the word of `{other}` already")),
            None => {
                seen.insert(word.clone(), name);
            }
        }
        variants.push(Variant { ident: variant.ident.clone(), word });
    }
    variants
}

fn expand(ident: &Ident, framework: &Path, variants: &[Variant]) -> TokenStream {
    let (core, private) = (quote!(#framework::__private::core), quote!(#framework::__private));
    let name = ident.unraw().to_string();
    let words = variants.iter().map(|variant| &variant.word);
    let written = variants.iter().map(|Variant { ident, word }| quote!(Self::#ident => #word,));
    let read =
        variants.iter().map(|Variant { ident, word }| quote!(#word => ::core::option::Option::Some(Self::#ident),));
    let word = if variants.is_empty() {
        // The mistake was reported.
        quote!(::core::unreachable!())
    } else {
        quote!(match self { #(#written)* })
    };
    quote! {
        #[allow(clippy::all, clippy::pedantic, clippy::nursery, reason = "generated code")]
        const _: () = {
            #[automatically_derived]
            impl #core::FieldType for #ident {
                const KIND: #core::DataType = #core::DataType::Enum(&[#(#words),*]);

                fn to_field(&self) -> #core::FieldRef<'_> {
                    #core::FieldRef::Text(::std::borrow::Cow::Borrowed(#word))
                }

                fn from_field(value: #core::FieldValue) -> #core::Result<Self> {
                    #private::word(&value, #name, |word| match word {
                        #(#read)*
                        _ => ::core::option::Option::None,
                    })
                }
            }

            #[automatically_derived]
            impl #core::ListItem for #ident {}

            #[automatically_derived]
            impl #core::Described for #ident {
                fn type_schema() -> #core::TypeSchema {
                    #core::TypeSchema::Scalar(<Self as #core::FieldType>::KIND)
                }
            }
        };
    }
}
