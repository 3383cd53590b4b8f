//! Snapshots of what a few canonical inputs become, so that a change of the output is seen and meant.
//!
//! `INSTA_UPDATE=always cargo test -p feathers-macros` rewrites them.

#![allow(clippy::unwrap_used, reason = "tests")]

use proc_macro2::TokenStream;
use quote::quote;

use crate::{attributes, case, record, service};

/// Returns generated code as a person would write it.
fn pretty(tokens: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(tokens).unwrap())
}

#[test]
fn a_record() {
    let output = record::derive(quote! {
        /// One thing to do.
        struct Todo {
            #[service(id)]
            id: i64,
            /// What is to be done.
            #[service(length(1..=280))]
            text: String,
            #[service(default)]
            done: bool,
            due: Option<String>,
        }
    });
    insta::assert_snapshot!(pretty(output));
}

#[test]
fn a_record_with_every_attribute() {
    let output = record::derive(quote! {
        #[serde(rename_all = "camelCase")]
        #[service(crate = web, unique(rank, shop, ignore_case), index(created_at, shop))]
        pub(crate) struct Order {
            #[service(id)]
            #[serde(rename = "_id")]
            key: String,
            #[service(server, default = now())]
            created_at: i64,
            #[service(hidden, default = "none", one_of("none", "some"))]
            secret: String,
            #[service(json, default)]
            #[serde(with = "stamps")]
            stamps: Stamps,
            #[service(range(min = 0, max = MOST), unique)]
            rank: Option<u8>,
            #[service(unique(ignore_case), trim, lowercase)]
            slug: String,
            #[service(index)]
            shop: String,
            #[service(references(User, on_delete = set_null))]
            buyer: Option<i64>,
        }
    });
    insta::assert_snapshot!(pretty(output));
}

#[test]
fn the_guide_names_every_attribute() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/services.md");
    let page = std::fs::read_to_string(page).unwrap();
    for name in record::attributes::field_names() {
        let named = ["`", "(", " = "]
            .iter()
            .any(|end| page.contains(&format!("| `{name}{end}")) || page.contains(&format!(", `{name}{end}")));
        assert!(named, "docs/guide/services.md has no row for the field attribute `{name}`");
    }
}

#[test]
fn an_unknown_attribute_names_the_one_that_was_meant_or_all() {
    let output = record::derive(quote! {
        struct Todo {
            #[service(id, lenght(1..), colour)]
            id: i64,
        }
    });
    let output = output.to_string();
    assert!(output.contains("unknown attribute `lenght` on a field, did you mean `length`?\""), "{output}");
    let names: Vec<_> = record::attributes::field_names().map(|name| format!("`{name}`")).collect();
    let all = format!("unknown attribute `colour` on a field\\nlegal are: {}\"", names.join(", "));
    assert!(output.contains(&all), "{output}");
}

#[test]
fn a_record_with_mistakes() {
    let output = record::derive(quote! {
        enum Todo {
            Open,
        }
    });
    insta::assert_snapshot!(pretty(output));
}

#[test]
fn a_service() {
    let output = service::attribute(
        quote!(events("ringing")),
        quote! {
            /// Rings when it is time.
            impl Reminders {
                async fn get(&self, id: i64) -> Result<Reminder> {
                    todo!()
                }

                async fn create(&self, data: NewReminder, params: &Params) -> Result<Reminder> {
                    todo!()
                }

                async fn patch(&self, id: Option<Id>, data: Payload) -> Result<Payload> {
                    todo!()
                }

                async fn remove(&self, id: Id) -> Result<()> {
                    todo!()
                }

                /// Waits a little longer.
                #[method]
                async fn snooze_all(&self) -> Result<()> {
                    todo!()
                }

                async fn setup(&self, app: &AppHandle, path: &str) -> Result<()> {
                    todo!()
                }
            }
        },
    );
    insta::assert_snapshot!(pretty(output));
}

#[test]
fn a_block_with_mistakes_is_still_emitted_and_served() {
    let output = service::attribute(
        quote!(evnts("ringing")),
        quote! {
            impl Reminders {
                async fn find(&self) -> Result<()> {
                    todo!()
                }

                fn helper() {}
            }
        },
    );
    insta::assert_snapshot!(pretty(output));
}

#[test]
fn a_block_that_does_not_parse_is_emitted_as_it_is() {
    let block = quote!(impl Reminders { async fn find(&self, id) {} });
    let output = service::attribute(TokenStream::new(), block.clone()).to_string();
    assert!(output.starts_with(&block.to_string()), "{output}");
    assert!(output.contains("compile_error"), "{output}");
}

#[test]
fn fields_are_renamed_as_serde_does() {
    let cases = [
        ("lowercase", "created_at"),
        ("UPPERCASE", "CREATED_AT"),
        ("PascalCase", "CreatedAt"),
        ("camelCase", "createdAt"),
        ("snake_case", "created_at"),
        ("SCREAMING_SNAKE_CASE", "CREATED_AT"),
        ("kebab-case", "created-at"),
        ("SCREAMING-KEBAB-CASE", "CREATED-AT"),
    ];
    for (rule, expected) in cases {
        assert_eq!(case::rename_field(rule, "created_at"), expected, "{rule}");
    }
}

#[test]
fn variants_are_renamed_as_serde_does() {
    for (rule, expected) in [
        ("lowercase", "inprogress"),
        ("UPPERCASE", "INPROGRESS"),
        ("PascalCase", "InProgress"),
        ("camelCase", "inProgress"),
        ("snake_case", "in_progress"),
        ("SCREAMING_SNAKE_CASE", "IN_PROGRESS"),
        ("kebab-case", "in-progress"),
        ("SCREAMING-KEBAB-CASE", "IN-PROGRESS"),
    ] {
        assert_eq!(case::rename_variant(rule, "InProgress"), expected, "{rule}");
    }
}

#[test]
fn methods_are_called_in_camel_case() {
    let cases =
        [("snooze", "snooze"), ("snooze_all", "snoozeAll"), ("_inner__name_", "innerName"), ("v2_get", "v2Get")];
    for (function, expected) in cases {
        assert_eq!(case::method_name(function), expected);
    }
}

#[test]
fn slips_find_the_name_that_was_meant() {
    let legal = ["id", "length", "range", "hidden"];
    let cases = [
        ("lenght", Some("length")),
        ("Hidden", Some("hidden")),
        ("ranges", Some("range")),
        ("colour", None),
        ("x", None),
    ];
    for (name, expected) in cases {
        assert_eq!(attributes::nearest(name, legal), expected, "{name}");
    }
}
