//! The macro contract: every mistake is one message, at the smallest wrong token, with the way out.
//!
//! One run compiles all cases. `TRYBUILD=overwrite cargo test --test ui` rewrites the expected messages.

#[test]
fn messages_are_as_promised() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/derive/*.rs");
    cases.compile_fail("tests/ui/hook/*.rs");
    cases.compile_fail("tests/ui/service/*.rs");
}
