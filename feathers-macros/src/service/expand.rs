//! Expansion: the impl of `Service`.

mod over;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Type, parse_quote};

use crate::service::model::{Argument, Arguments, IdArgument, Lifecycle, Method, Service};
use crate::types::{argument_of, at, elided, last_segment, moved};

/// Writes the impl.
pub(super) fn service(service: &Service) -> TokenStream {
    let (core, private) = (&service.core(), &service.private());
    let ty = &service.ty;
    // The bounds repeat what the trait asks for anyway: a type that cannot be shared is then one error at its name.
    let shared = quote_spanned!(ty.span()=> #ty: ::core::marker::Send + ::core::marker::Sync + 'static);
    let mut generics = service.generics.clone();
    generics.make_where_clause().predicates.push(parse_quote!(#shared));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let docs = (!service.docs.is_empty()).then_some(&service.docs).map(|docs| quote!(.docs(#docs)));
    let events = (!service.events.is_empty()).then_some(&service.events).map(|events| quote!(.events([#(#events),*])));
    let described = service.methods.iter().map(|method| described(method, core, private));
    let allowed = service.methods.iter().filter_map(|method| allowed(method, private));
    let arms = service.methods.iter().map(|method| arm(method, core, private));
    let others = match &service.over {
        Some(over) => over.delegated(service, core, private),
        None => [&service.setup, &service.teardown].into_iter().flatten().map(|hook| lifecycle(hook, core)).collect(),
    };
    let inner = service.over.as_ref().map(|over| over.inner(private));
    let record = service.over.as_ref().and_then(|over| over.record.as_ref());
    let record = record.map_or_else(|| quote!(()), ToTokens::to_token_stream);
    let (merged, unknown) = inner.map_or_else(
        || (quote!(descriptor), quote!(request.unknown_method())),
        |inner| {
            let merged = quote!(#private::describe_over(#core::Service::descriptor(#inner), descriptor));
            (merged, quote!(#core::Service::call(#inner, request).await))
        },
    );
    quote! {
        #(#allowed)*

        #[#core::async_trait]
        #[automatically_derived]
        #[allow(trivial_bounds, reason = "bounds make better errors")]
        impl #impl_generics #core::Service for #ty #where_clause {
            type Record = #record;

            fn descriptor(&self) -> #core::Descriptor {
                #[allow(unused_imports, reason = "it answers for types of which nothing is known")]
                use #private::Undescribed as _;
                let descriptor = <#core::Descriptor as ::core::default::Default>::default() #docs #events;
                #(#described)*
                #merged
            }

            async fn call(&self, request: #core::Request<'_>) -> #core::Result<#core::Payload> {
                match request.method {
                    #(#arms)*
                    _ => #unknown,
                }
            }

            #others
        }
    }
}

impl Service {
    fn core(&self) -> TokenStream {
        let framework = &self.framework;
        quote!(#framework::__private::core)
    }

    fn private(&self) -> TokenStream {
        let framework = &self.framework;
        quote!(#framework::__private)
    }
}

impl Method {
    /// Returns the method as a value.
    fn expression(&self, core: &TokenStream) -> TokenStream {
        let name = &self.name;
        if let Some(standard) = self.standard {
            let variant = format_ident!("{}", standard.variant());
            quote!(#core::Method::#variant)
        } else {
            quote!(#name)
        }
    }

    /// Returns the method as a pattern.
    fn pattern(&self, core: &TokenStream) -> TokenStream {
        let name = &self.name;
        if self.standard.is_some() {
            return self.expression(core);
        }
        quote!(#core::Method::Custom(name) if &**name == #name)
    }
}

/// Writes what the descriptor has of a method.
fn described(method: &Method, core: &TokenStream, private: &TokenStream) -> TokenStream {
    let (cfgs, docs, which) = (&method.cfgs, &method.docs, method.expression(core));
    let schema = |ty: &Type| type_schema(ty, core, private);
    let data = method.arguments.taken.iter().find_map(|argument| match argument {
        Argument::Data(ty) => Some(schema(&elided(ty))),
        Argument::DataOrCall(ty) => {
            let ty = elided(ty);
            let schema = schema(&ty);
            Some(quote!(#private::data_schema::<#ty, _>(|| #schema)))
        }
        Argument::Id(_) | Argument::OfCall(_) | Argument::Request => None,
    });
    let none = if method.arguments.has_request() {
        quote!(#core::TypeSchema::Unknown)
    } else {
        quote!(::core::option::Option::None)
    };
    let data = data.unwrap_or(none);
    let result = argument_of(&method.arguments.output).map_or_else(|| quote!(#core::TypeSchema::Unknown), schema);
    quote! {
        #(#cfgs)*
        let descriptor = descriptor.describe(#core::MethodInfo::new(#which, #docs).data(#data).result(#result));
    }
}

/// Writes the schema of a type; of lists and `Option`s also where that of their items is not known.
fn type_schema(ty: &Type, core: &TokenStream, private: &TokenStream) -> TokenStream {
    match last_segment(ty).zip(argument_of(ty)) {
        Some((segment, inner)) if segment.ident == "Vec" => {
            let inner = type_schema(inner, core, private);
            quote!(#core::TypeSchema::list(#inner))
        }
        Some((segment, inner)) if segment.ident == "Option" => {
            let inner = type_schema(inner, core, private);
            quote!(#core::TypeSchema::nullable(#inner))
        }
        // An opaque type has no name.
        _ if ty.to_token_stream().into_iter().any(is_impl) => quote!(#core::TypeSchema::Unknown),
        _ => quote!(#private::Probe::<#ty>::type_schema()),
    }
}

/// Looks for the word `impl`, also in brackets.
fn is_impl(token: TokenTree) -> bool {
    match token {
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Group(group) => group.stream().into_iter().any(is_impl),
        _ => false,
    }
}

/// Writes an assertion that a method has not a name that is protected.
fn allowed(method: &Method, private: &TokenStream) -> Option<TokenStream> {
    if method.standard.is_some() {
        return None;
    }
    let (cfgs, name) = (&method.cfgs, &method.name);
    let message = format!("`{name}` means something else on a Feathers service: choose another name");
    let check =
        quote_spanned!(method.name_span=> const _: () = ::core::assert!(!#private::is_protected(#name), #message););
    Some(quote!(#(#cfgs)* #check))
}

/// Writes the branch that gets the arguments of a method, calls it and wraps its result.
fn arm(method: &Method, core: &TokenStream, private: &TokenStream) -> TokenStream {
    let (cfgs, ident, pattern) = (&method.cfgs, &method.ident, method.pattern(core));
    let Taken { first, then, passed } = taken(method, private);
    // What is wrong with the result is reported at its type.
    let Arguments { output: ty, .. } = &method.arguments;
    let output = at(ty);
    let result = quote_spanned!(output=> Self::#ident(self, #(#passed),*).await?);
    let value = argument_of(ty).map_or(output, at);
    let private = moved(private, value);
    let wrapped = quote_spanned!(value=> #private::into_payload(result));
    quote! {
        #(#cfgs)*
        #pattern => {
            #(#first)*
            #(#then)*
            let result = #result;
            ::core::result::Result::Ok(#wrapped)
        }
    }
}

/// How the arguments of a method come from a call.
#[derive(Default)]
struct Taken {
    /// What is taken from the call: who may not call learns nothing of ids and data.
    first: Vec<TokenStream>,
    /// The id and the data.
    then: Vec<TokenStream>,
    /// What is passed to the method.
    passed: Vec<TokenStream>,
}

fn taken(method: &Method, private: &TokenStream) -> Taken {
    let mut taken = Taken::default();
    for (place, argument) in method.arguments.taken.iter().enumerate() {
        let name = format_ident!("argument_{place}");
        taken.passed.push(quote!(#name));
        match argument {
            Argument::Id(id) => taken.then.push(id_argument(method, id, &name, private)),
            Argument::Data(ty) => {
                let private = moved(private, ty.span());
                taken.then.push(quote_spanned! {at(ty)=>
                    let #name = <#ty as #private::FromPayload>::from_payload(request.data)?;
                });
            }
            Argument::DataOrCall(ty) => {
                let (private, place, ty) = (moved(private, ty.span()), at(ty), elided(ty));
                taken.then.push(quote_spanned! {place=>
                    let #name = <#ty as #private::Argument<'_, _>>::take(request.parts(), request.data)?;
                });
            }
            Argument::Request => {
                taken.passed.pop();
                taken.passed.push(quote!(request));
            }
            Argument::OfCall(ty) => {
                let (private, place, ty) = (moved(private, ty.span()), at(ty), elided(ty));
                taken.first.push(quote_spanned! {place=>
                    let #name = <#ty as #private::FromRequest<'_>>::from_request(request.parts())?;
                });
            }
        }
    }
    taken
}

/// Writes how the id of a call is read.
fn id_argument(method: &Method, id: &IdArgument, name: &Ident, private: &TokenStream) -> TokenStream {
    let ty = &id.ty;
    let moved_rt = moved(private, ty.span());
    let some = quote_spanned!(at(ty)=> <#ty as #moved_rt::FromId>::from_id(id)?);
    let none = if id.optional {
        quote!(::core::option::Option::None)
    } else if method.standard.is_some_and(super::model::Standard::has_optional_id) {
        let name = &method.name;
        quote!(return ::core::result::Result::Err(#private::one_at_a_time(#name)))
    } else {
        return quote! {
            let id = &request.require_id()?;
            let #name = #some;
        };
    };
    let some = if id.optional { quote!(::core::option::Option::Some(#some)) } else { some };
    quote! {
        let #name = match &request.id {
            ::core::option::Option::Some(id) => #some,
            ::core::option::Option::None => #none,
        };
    }
}

fn lifecycle(hook: &Lifecycle, core: &TokenStream) -> TokenStream {
    let Lifecycle { ident, cfgs } = hook;
    let call = lifecycle_of(hook);
    quote! {
        #(#cfgs)*
        async fn #ident(&self, app: &#core::AppHandle, path: &str) -> #core::Result<()> {
            #call
        }
    }
}

/// Writes the call of the user's `setup` or `teardown`.
fn lifecycle_of(hook: &Lifecycle) -> TokenStream {
    let ident = &hook.ident;
    quote!(Self::#ident(self, app, path).await)
}
