//! Expansion of `over`: what the service in the field does.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::lifecycle_of;
use crate::service::model::{Over, Service};

impl Over {
    /// Writes what returns the service in the field.
    ///
    /// Errors about its type are reported at the name of the field.
    pub(super) fn inner(&self, private: &TokenStream) -> TokenStream {
        let (field, place) = (&self.field, self.field.span());
        let function = self.record.as_ref().map_or_else(|| quote!(inner), |record| quote!(inner_of::<#record, _>));
        quote_spanned!(place=> #private::#function(&self.#field))
    }

    /// Writes the methods of the trait that ask the service in the field too.
    pub(super) fn delegated(&self, service: &Service, core: &TokenStream, private: &TokenStream) -> TokenStream {
        let inner = self.inner(private);
        let own = service.methods.iter().map(|method| {
            let (cfgs, pattern) = (&method.cfgs, method.pattern(core));
            quote!(#(#cfgs)* #pattern => ::core::result::Result::Ok(()),)
        });
        let setup = service.setup.as_ref().map(|hook| {
            let call = lifecycle_of(hook);
            let cfgs = &hook.cfgs;
            quote!(#(#cfgs)* { #call?; })
        });
        let teardown = service.teardown.as_ref().map(|hook| {
            let call = lifecycle_of(hook);
            let cfgs = &hook.cfgs;
            quote!(#(#cfgs)* let own = #call;)
        });
        quote! {
            async fn check(&self, request: #core::Request<'_>) -> #core::Result<()> {
                match request.method {
                    // What the block itself does, the service inside cannot judge.
                    #(#own)*
                    _ => #core::Service::check(#inner, request).await,
                }
            }

            async fn setup(&self, app: &#core::AppHandle, path: &str) -> #core::Result<()> {
                #core::Service::setup(#inner, app, path).await?;
                #setup
                ::core::result::Result::Ok(())
            }

            async fn teardown(&self, app: &#core::AppHandle, path: &str) -> #core::Result<()> {
                let own: #core::Result<()> = ::core::result::Result::Ok(());
                #teardown
                #private::teardown_over(#inner, own, app, path).await
            }
        }
    }
}
