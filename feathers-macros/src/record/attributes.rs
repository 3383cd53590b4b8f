//! The attributes of a record and its fields: what may stand in `#[service(..)]`, and what it says.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, ExprLit, Lit, LitInt, Path, Token, parse_quote};

use crate::attributes::{self, items};
use crate::errors::Errors;
use crate::record::constraints::{self, Reference, Together, Unique};
use crate::record::relations::{self, Relation};
use crate::record::rules;

items! {
    /// What may stand on a field.
    const FIELD: FieldAttrs = "attribute", "on a field";
    docs field_docs;
    "id" => |attrs, name, input| flag(&mut attrs.id, name, input),
        "`id`": "names the record; exactly one field, a whole number, a text or a UUID";
    "default" => default,
        "`default`": "may be left out; then it is `Default::default()`",
        "`default = expr`": "may be left out; then `expr` is evaluated";
    "server" => |attrs, name, input| flag(&mut attrs.server, name, input),
        "`server`": "only the server sets it: left out, it is its default in a new record, and `update` keeps it";
    "immutable" => |attrs, name, input| flag(&mut attrs.immutable, name, input),
        "`immutable`": "clients set it in a new record and never change it";
    "hidden" => |attrs, name, input| flag(&mut attrs.hidden, name, input),
        "`hidden`": "never leaves the server and cannot be queried from outside; `update` keeps it where it is left out";
    "set" => |attrs, name, input| attributes::once(&mut attrs.set, name, expr(name, input, SET)?),
        "`set = f`": "only the server sets it: `f(&SetContext)` makes the value of a new record; `set = current_user` is the id of the user";
    "set_on_change" => |attrs, name, input| attributes::once(&mut attrs.set_on_change, name, expr(name, input, SET_ON_CHANGE)?),
        "`set_on_change = f`": "the same, made again in every `update` and `patch`";
    "created_at" => |attrs, name, input| flag(&mut attrs.created_at, name, input),
        "`created_at`": "only the server sets it: when the record was made; an `i64` counts milliseconds since 1970";
    "updated_at" => |attrs, name, input| flag(&mut attrs.updated_at, name, input),
        "`updated_at`": "only the server sets it: when the record was changed last";
    "computed" => |attrs, name, input| attributes::once(&mut attrs.computed, name, expr(name, input, COMPUTED)?),
        "`computed = f`": "`f(&Record)` makes it whenever the record leaves the server; it is not stored, and no query compares it";
    "version" => |attrs, name, input| flag(&mut attrs.version, name, input),
        "`version`": "counts the changes of the record from 1; clients name the one that they know with `$version` or `If-Match`";
    "lowercase" => |attrs, name, input| flag(&mut attrs.lowercase, name, input),
        "`lowercase`": "a text that is kept in lower case, and compared so in queries and logins";
    "trim" => |attrs, name, input| flag(&mut attrs.trim, name, input),
        "`trim`": "a text that is kept without the space around it, and compared so in queries and logins";
    "json" => |attrs, name, input| flag(&mut attrs.json, name, input),
        "`json`": "any type of serde, stored as JSON";
    "scale" => scale,
        "`scale = 2`": "how many places after the point a decimal has at most; every decimal says it";
    "unique" => |attrs, name, input| attributes::once(&mut attrs.unique, name, constraints::unique(name, input)?),
        "`unique`": "no two records have the same value; `null` is not compared",
        "`unique(ignore_case)`": "the same for texts, whatever their case is";
    "index" => |attrs, name, input| flag(&mut attrs.index, name, input),
        "`index`": "the database finds records by it quickly";
    "references" => |attrs, name, input| attributes::once(&mut attrs.references, name, constraints::references(name, input)?),
        "`references(User)`": "the id of a record, which cannot be removed as long as this one refers to it",
        "`references(User, on_delete = cascade)`": "this record is removed with the other one",
        "`references(User, on_delete = set_null)`": "an `Option` that becomes `null` when the other one is removed";
    "length" => |attrs, name, input| rules(attrs, name, AppliesTo::Lengths, rules::length(name, input)?),
        "`length(1..=280)`": "how many characters, items or bytes; also `length(min = 1)`, `length(max = 280)`";
    "range" => |attrs, name, input| rules(attrs, name, AppliesTo::Numbers, rules::range(name, input)?),
        "`range(0..=150)`": "which numbers; also `range(min = 0)`, `range(max = 150)`";
    "email" => |attrs, name, input| rules(attrs, name, AppliesTo::Texts, rules::format(name, input, quote!(Email))?),
        "`email`": "an e-mail address";
    "url" => |attrs, name, input| rules(attrs, name, AppliesTo::Texts, rules::format(name, input, quote!(Url))?),
        "`url`": "an absolute URL";
    "one_of" => |attrs, name, input| rules(attrs, name, AppliesTo::Texts, rules::one_of(name, input)?),
        "`one_of(\"a\", \"b\")`": "one of these texts";
    "belongs_to" => |attrs, name, input| relations::read(&mut attrs.relation, name, input),
        "`belongs_to(user_id)`": "a `Related<User>`: the record whose id the field `user_id` holds";
    "has_many" => |attrs, name, input| relations::read(&mut attrs.relation, name, input),
        "`has_many(ticket_id)`": "a `RelatedMany<Comment>`: the records whose field `ticket_id` holds the id of this one";
}

items! {
    /// What may stand on the struct.
    const RECORD: RecordAttrs = "attribute", "on a record";
    docs record_docs;
    "crate" => |attrs, name, input| {
        input.parse::<Token![=]>()?;
        attributes::once(&mut attrs.framework, name, input.call(Path::parse_mod_style)?)
    }, "`crate = path`": "where the framework is, if it is not `::feathers`";
    "unique" => |attrs, name, input| together(attrs, constraints::together(name, input, true)?),
        "`unique(a, b)`": "no two records have the same values of these fields; at the end may stand `ignore_case`";
    "index" => |attrs, name, input| together(attrs, constraints::together(name, input, false)?),
        "`index(a, b)`": "the database finds records by these fields quickly";
}

/// The attributes of a field, each with the place where it stands.
#[derive(Default)]
pub(super) struct FieldAttrs {
    pub(super) id: Option<Span>,
    pub(super) default: Option<Default>,
    pub(super) server: Option<Span>,
    pub(super) immutable: Option<Span>,
    pub(super) set: Option<Value>,
    pub(super) set_on_change: Option<Value>,
    pub(super) created_at: Option<Span>,
    pub(super) updated_at: Option<Span>,
    pub(super) computed: Option<Value>,
    pub(super) version: Option<Span>,
    pub(super) lowercase: Option<Span>,
    pub(super) trim: Option<Span>,
    pub(super) hidden: Option<Span>,
    pub(super) json: Option<Span>,
    pub(super) scale: Option<LitInt>,
    pub(super) unique: Option<Unique>,
    pub(super) index: Option<Span>,
    pub(super) references: Option<Reference>,
    pub(super) rules: Vec<Rules>,
    pub(super) relation: Option<Relation>,
    /// All that stand there.
    names: Vec<Ident>,
}

/// The attribute `default`.
pub(super) struct Default {
    pub(super) span: Span,
    pub(super) expr: Option<Expr>,
}

/// An attribute whose value is a function.
pub(super) struct Value {
    pub(super) span: Span,
    pub(super) expr: Expr,
}

/// What the attributes with a function expect.
const SET: &str = "`set = current_user` or `set = function`, a `fn(&SetContext) -> T`";
const SET_ON_CHANGE: &str = "`set_on_change = current_user` or `set_on_change = function`, a `fn(&SetContext) -> T`";
const COMPUTED: &str = "`computed = function`, a `fn(&Record) -> T`";

/// One attribute of validation; it can make two rules.
pub(super) struct Rules {
    pub(super) name: Ident,
    pub(super) applies_to: AppliesTo,
    /// Variants of the schema's `Rule`, without its path.
    pub(super) variants: Vec<TokenStream>,
}

/// Which fields a rule can stand on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AppliesTo {
    Texts,
    /// Texts, lists and bytes.
    Lengths,
    Numbers,
}

impl AppliesTo {
    /// Returns what they are called, in a sentence.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Texts => "texts",
            Self::Lengths => "texts, lists and bytes",
            Self::Numbers => "numbers",
        }
    }
}

impl FieldAttrs {
    /// Reads the attributes of a field.
    pub(super) fn read(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut field = Self::default();
        attributes::read(attrs, "service", errors, |name, input| {
            if RECORD.has(name) && !FIELD.has(name) {
                return Err(syn::Error::new(name.span(), format!("`{name}` belongs on the struct, not on a field")));
            }
            if name == "rename" {
                return Err(syn::Error::new(name.span(), "a field is renamed by serde: `#[serde(rename = \"..\")]`"));
            }
            field.names.push(name.clone());
            FIELD.read_item(&mut field, name, input)
        });
        field
    }

    /// Returns the attributes that compare the values of records, each with its place.
    pub(super) fn key_attributes(&self) -> impl Iterator<Item = (&'static str, Span)> {
        let unique = self.unique.as_ref().map(|unique| ("unique", unique.span));
        unique.into_iter().chain(self.index.map(|span| ("index", span)))
    }

    /// Tells whether there is an attribute of a relation, also one that cannot be read.
    pub(super) fn is_relation(&self) -> bool {
        self.names.iter().any(|name| name == "belongs_to" || name == "has_many")
    }

    /// Returns an attribute that a field for related records cannot have.
    pub(super) fn beside_relation(&self) -> Option<&Ident> {
        self.names.iter().find(|name| *name != "belongs_to" && *name != "has_many")
    }

    /// Tells whether a function of the server makes the value, so that it needs no default.
    pub(super) fn is_set(&self) -> bool {
        self.set.is_some() || self.set_on_change.is_some() || self.created_at.is_some() || self.updated_at.is_some()
    }

    /// Tells whether only the server sets the field.
    pub(super) fn is_server(&self) -> bool {
        self.server.is_some() || self.is_set() || self.is_kept_by_store()
    }

    /// Tells whether not even a hook sets the field: the store counts it, or it is not stored at all.
    pub(super) fn is_kept_by_store(&self) -> bool {
        self.version.is_some() || self.computed.is_some()
    }

    /// Returns what the schema's field has of them whatever its type is, as calls on the `Field` of the core.
    pub(super) fn in_schema(&self, core: &TokenStream) -> TokenStream {
        let flags = [
            (self.hidden, quote!(.hidden())),
            (self.immutable, quote!(.immutable())),
            (self.lowercase, quote!(.lowercase())),
            (self.trim, quote!(.trim())),
            (self.version, quote!(.version())),
            (self.computed.as_ref().map(|computed| computed.span), quote!(.computed())),
        ];
        let flags = flags.into_iter().filter_map(|(flag, call)| flag.map(|_| call));
        let variants: Vec<_> = self.rules.iter().flat_map(|rules| &rules.variants).collect();
        let rules = (!variants.is_empty()).then(|| quote!(.rules(&[#(#core::Rule::#variants),*])));
        quote!(#(#flags)* #rules)
    }
}

/// The attributes of a record.
#[derive(Default)]
pub(super) struct RecordAttrs {
    pub(super) framework: Option<Path>,
    pub(super) constraints: Vec<Together>,
}

/// Reads the attributes of an enum: where the framework is.
pub(crate) fn framework(attrs: &[Attribute], errors: &mut Errors) -> Path {
    let RecordAttrs { framework, constraints: _ } = record(attrs, errors);
    framework.unwrap_or_else(|| parse_quote!(::feathers))
}

/// Reads the attributes of the struct.
pub(super) fn record(attrs: &[Attribute], errors: &mut Errors) -> RecordAttrs {
    let mut record = RecordAttrs::default();
    attributes::read(attrs, "service", errors, |name, input| {
        if FIELD.has(name) && !RECORD.has(name) {
            return Err(syn::Error::new(name.span(), format!("`{name}` belongs on a field, not on the struct")));
        }
        RECORD.read_item(&mut record, name, input)
    });
    record
}

/// Returns the names of all attributes of a field.
#[cfg(test)]
pub(crate) fn field_names() -> impl Iterator<Item = &'static str> {
    FIELD.known.iter().map(|item| item.name)
}

fn together(attrs: &mut RecordAttrs, together: Together) -> syn::Result<()> {
    let same = |known: &Together| known.name == together.name && known.fields == together.fields;
    if attrs.constraints.iter().any(same) {
        return Err(attributes::twice(&together.name, together.name.span()));
    }
    attrs.constraints.push(together);
    Ok(())
}

/// Sets an attribute that has no value.
fn flag(slot: &mut Option<Span>, name: &Ident, input: ParseStream) -> syn::Result<()> {
    no_value(name, input)?;
    attributes::once(slot, name, name.span())
}

/// Refuses a value.
pub(super) fn no_value(name: &Ident, input: ParseStream) -> syn::Result<()> {
    if input.peek(Token![=]) || input.peek(syn::token::Paren) {
        return Err(input.error(format!("`{name}` has no value")));
    }
    Ok(())
}

/// Reads `= function`.
fn expr(name: &Ident, input: ParseStream, usage: &str) -> syn::Result<Value> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(name.span(), format!("expected: {usage}")));
    }
    input.parse::<Token![=]>()?;
    Ok(Value { span: name.span(), expr: input.parse()? })
}

fn default(attrs: &mut FieldAttrs, name: &Ident, input: ParseStream) -> syn::Result<()> {
    if input.peek(syn::token::Paren) {
        return Err(input.error("expected: `default` or `default = expression`"));
    }
    let expr = match input.parse::<Option<Token![=]>>()? {
        Some(_) => Some(input.parse::<Expr>()?),
        None => None,
    };
    attributes::once(&mut attrs.default, name, Default { span: name.span(), expr })
}

/// Reads `scale = 2`.
fn scale(attrs: &mut FieldAttrs, name: &Ident, input: ParseStream) -> syn::Result<()> {
    const USAGE: &str = "expected: `scale = 2`, at most 18 places after the point";
    // There is a scale, right or wrong: the field does not lack it too.
    attributes::once(&mut attrs.scale, name, LitInt::new("0", name.span()))?;
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(name.span(), USAGE));
    }
    input.parse::<Token![=]>()?;
    let value: Expr = input.parse()?;
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(places), .. })
            if places.base10_parse::<u8>().is_ok_and(|places| places <= 18) =>
        {
            attrs.scale = Some(places);
            Ok(())
        }
        other => Err(syn::Error::new_spanned(other, USAGE)),
    }
}

fn rules(attrs: &mut FieldAttrs, name: &Ident, applies_to: AppliesTo, variants: Vec<TokenStream>) -> syn::Result<()> {
    if attrs.rules.iter().any(|known| known.name == *name) {
        return Err(attributes::twice(name, name.span()));
    }
    attrs.rules.push(Rules { name: name.clone(), applies_to, variants });
    Ok(())
}
