//! Fields that the server sets by itself: `set`, `set_on_change`, `created_at`, `updated_at`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned;

use super::{Names, field_type};
use crate::record::model::{Field, Record};
use crate::types::{at, moved};

/// Writes the functions that set the fields of drafts; nothing where no field is set.
pub(super) fn expand(record: &Record, names: &Names) -> TokenStream {
    if !is_needed(record) {
        return TokenStream::new();
    }
    let Names { core, private, draft, patch_draft, .. } = names;
    let ident = &record.ident;
    let (call, target) = (Ident::new("call", Span::mixed_site()), Ident::new("draft", Span::mixed_site()));
    let creates = Ident::new("creates", Span::mixed_site());
    let set = |field: &Field| {
        let (name, value) = (&field.ident, value(field, names, &call));
        quote! {
            if ::core::option::Option::is_none(&#target.#name) {
                #target.#name = #value;
            }
        }
    };
    let once: Vec<_> = record.fields.iter().filter(|field| is_set_once(field)).map(set).collect();
    let on_change: Vec<_> = record.fields.iter().filter(|field| is_set_on_change(field)).map(set).collect();
    quote! {
        fn __feathers_set(#target: &mut #draft, #call: &#core::SetContext<'_>, #creates: bool) -> #core::Result<()> {
            if #creates {
                #(#once)*
            }
            #(#on_change)*
            ::core::result::Result::Ok(())
        }

        fn __feathers_set_patch(#target: &mut #patch_draft, #call: &#core::SetContext<'_>) -> #core::Result<()> {
            #(#on_change)*
            ::core::result::Result::Ok(())
        }

        static __FEATHERS_SETTERS: #private::Setters<#ident> =
            #private::Setters { draft: __feathers_set, patch: __feathers_set_patch };
    }
}

/// Writes the function of the record that returns them.
pub(super) fn accessor(record: &Record, _names: &Names) -> TokenStream {
    if !is_needed(record) {
        return TokenStream::new();
    }
    quote! {
        fn setters() -> ::core::option::Option<&'static (dyn ::core::any::Any + ::core::marker::Send + ::core::marker::Sync)> {
            ::core::option::Option::Some(&__FEATHERS_SETTERS)
        }
    }
}

fn is_needed(record: &Record) -> bool {
    record.fields.iter().any(|field| is_set_once(field) || is_set_on_change(field))
}

fn is_set_once(field: &Field) -> bool {
    field.attrs.id.is_none() && (field.attrs.set.is_some() || field.attrs.created_at.is_some())
}

fn is_set_on_change(field: &Field) -> bool {
    field.attrs.id.is_none() && (field.attrs.set_on_change.is_some() || field.attrs.updated_at.is_some())
}

/// Returns what a field is set to, as an `Option`.
fn value(field: &Field, names: &Names, call: &Ident) -> TokenStream {
    let (ty, private) = (&field.ty, &names.private);
    let Some(set) = field.attrs.set.as_ref().or(field.attrs.set_on_change.as_ref()) else {
        return quote_spanned! {at(ty)=>
            ::core::option::Option::Some(<#ty as #private::Instant>::of(#call.now()))
        };
    };
    if is_current_user(&set.expr) {
        let (kind, from_field) = (field_type(field, names, "KIND"), field_type(field, names, "from_field"));
        return quote!(#private::current_user(#call, #kind, #from_field)?);
    }
    let expr = &set.expr;
    let span = Span::call_site().located_at(expr.span());
    let private = moved(private, span);
    quote_spanned!(span=> #private::set_value::<#ty, _>(#call, #expr)?)
}

fn is_current_user(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.qself.is_none() && path.path.is_ident("current_user"))
}
