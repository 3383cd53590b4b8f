//! Access: the rules of who may do what with the records of a service, as they are written down.

mod rules;
mod screen;

use std::fmt;
use std::marker::PhantomData;

pub use self::screen::AccessRecord;
use crate::call::method::Method;
use crate::call::route::strip;
use crate::data::query::{Condition, Filter, TypedField};

/// What a rule says of a user: whether the user may, or for which records.
#[diagnostic::on_unimplemented(
    message = "an access rule cannot return `{Self}`",
    label = "neither a `bool` nor a condition",
    note = "a rule returns `bool`, or a condition on the fields of the service's own records, such as `Ticket::OWNER_ID.eq(user.id)`"
)]
pub trait AccessRule<R> {
    /// Returns the condition; `None` is no right at all.
    fn into_condition(self) -> Option<Condition<R>>;
}

impl<R> AccessRule<R> for bool {
    fn into_condition(self) -> Option<Condition<R>> {
        self.then(Condition::all)
    }
}

impl<R> AccessRule<R> for Condition<R> {
    fn into_condition(self) -> Option<Condition<R>> {
        Some(self)
    }
}

/// What a rule says, without the type of the records; `None` is no right at all.
type Verdict = Option<Filter>;
type Test<U, T> = Box<dyn Fn(&U) -> T + Send + Sync>;

/// The rules of who may do what with records of type `R`, for users of type `U`.
///
#[doc = include_str!("access/access.md")]
#[must_use = "rules do nothing before a service has them: `.access(..)`"]
pub struct Access<R, U = ()> {
    /// The rule for reading stands under `find`.
    rules: Vec<(Method, Test<U, Verdict>)>,
    fields: Vec<(&'static str, Test<U, bool>)>,
    anonymous: Option<Anonymous<R>>,
    depends_on: Vec<String>,
    mistakes: Vec<String>,
    record: PhantomData<fn() -> R>,
}

impl<R: AccessRecord> Access<R, ()> {
    /// Begins the rules for users of a type, which the record of the user is read as.
    ///
    /// A caller without a user is refused with a 401, and a user whose record does not fit the type with a 403.
    /// For users of several types, `U` is an enum that serde reads, with `#[serde(untagged)]`.
    pub fn of<U: 'static>() -> Access<R, U> {
        Access {
            rules: Vec::new(),
            fields: Vec::new(),
            anonymous: None,
            depends_on: Vec::new(),
            mistakes: Vec::new(),
            record: PhantomData,
        }
    }
}

impl<R: AccessRecord, U: 'static> Access<R, U> {
    /// Says which records may be read: by `find` and `get`, in counts, events and answers. What is not among them is a
    /// 404 for every other method, too.
    pub fn read<V: AccessRule<R>>(self, rule: impl Fn(&U) -> V + Send + Sync + 'static) -> Self {
        self.rule(Method::Find, rule)
    }

    /// Says which records may be made. A condition is tested on the new record.
    pub fn create<V: AccessRule<R>>(self, rule: impl Fn(&U) -> V + Send + Sync + 'static) -> Self {
        self.rule(Method::Create, rule)
    }

    /// Says which records may be replaced. A condition is tested on the record as it was and as it becomes.
    pub fn update<V: AccessRule<R>>(self, rule: impl Fn(&U) -> V + Send + Sync + 'static) -> Self {
        self.rule(Method::Update, rule)
    }

    /// Says which records may be changed. A condition is tested on the record as it was and as it becomes, so that
    /// none is moved to where its writer may not change it.
    pub fn patch<V: AccessRule<R>>(self, rule: impl Fn(&U) -> V + Send + Sync + 'static) -> Self {
        self.rule(Method::Patch, rule)
    }

    /// Says which records may be removed.
    pub fn remove<V: AccessRule<R>>(self, rule: impl Fn(&U) -> V + Send + Sync + 'static) -> Self {
        self.rule(Method::Remove, rule)
    }

    /// Says who may call a custom method. A condition is tested, before the method runs, on the record whose id the
    /// call has, or its data under the name of the id.
    pub fn method<V: AccessRule<R>>(mut self, name: &str, rule: impl Fn(&U) -> V + Send + Sync + 'static) -> Self {
        match Method::named(name) {
            Method::Find | Method::Get => self.mistakes.push(standard(name, "read")),
            Method::Custom(_) => return self.rule(Method::named(name), rule),
            _ => self.mistakes.push(standard(name, name)),
        }
        self
    }

    /// Says who may see and set a field. For all others it does not exist: in answers, events, data and queries.
    pub fn field<V>(mut self, field: TypedField<R, V>, rule: impl Fn(&U) -> bool + Send + Sync + 'static) -> Self {
        if self.fields.iter().any(|(name, _)| *name == field.name()) {
            self.mistakes.push(format!("there are two access rules for the field '{}'", field.name()));
        }
        self.fields.push((field.name(), Box::new(rule)));
        self
    }

    /// Says what callers may do who are not logged in. What they may not is a 401.
    pub fn anonymous(mut self, rules: impl FnOnce(Anonymous<R>) -> Anonymous<R>) -> Self {
        if self.anonymous.is_some() {
            self.mistakes.push("the access of anonymous callers is set twice".to_owned());
        }
        let mut anonymous = rules(Anonymous::new());
        self.mistakes.append(&mut anonymous.mistakes);
        self.anonymous = Some(anonymous);
        self
    }

    /// Names services whose records the rules look at, besides that of the user: of memberships, for example.
    ///
    /// After each change there the rules are asked again for every connection; those whose rights differ reconnect.
    /// A rule looks at what the app keeps of the other service, which the app brings up to date in a listener of
    /// [`App::on_write`](crate::App::on_write): these run first.
    pub fn depends_on<P: AsRef<str>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.depends_on.extend(paths.into_iter().map(|path| strip(path.as_ref()).to_owned()));
        self
    }

    fn rule<V: AccessRule<R>>(mut self, method: Method, rule: impl Fn(&U) -> V + Send + Sync + 'static) -> Self {
        if self.rules.iter().any(|(own, _)| *own == method) {
            self.mistakes.push(twice(&method));
        }
        let test = move |user: &U| rule(user).into_condition().map(Condition::into_filter);
        self.rules.push((method, Box::new(test)));
        self
    }
}

/// What callers may do who are not logged in: the part of [`Access`] that knows no user.
#[must_use = "rules do nothing before they are returned"]
pub struct Anonymous<R> {
    rules: Vec<(Method, Verdict)>,
    fields: Vec<&'static str>,
    mistakes: Vec<String>,
    record: PhantomData<fn() -> R>,
}

impl<R: AccessRecord> Anonymous<R> {
    const fn new() -> Self {
        Self { rules: Vec::new(), fields: Vec::new(), mistakes: Vec::new(), record: PhantomData }
    }

    /// Says which records may be read: see [`Access::read`].
    pub fn read(self, rule: impl AccessRule<R>) -> Self {
        self.rule(Method::Find, rule)
    }

    /// Says which records may be made: see [`Access::create`].
    pub fn create(self, rule: impl AccessRule<R>) -> Self {
        self.rule(Method::Create, rule)
    }

    /// Says which records may be replaced: see [`Access::update`].
    pub fn update(self, rule: impl AccessRule<R>) -> Self {
        self.rule(Method::Update, rule)
    }

    /// Says which records may be changed: see [`Access::patch`].
    pub fn patch(self, rule: impl AccessRule<R>) -> Self {
        self.rule(Method::Patch, rule)
    }

    /// Says which records may be removed: see [`Access::remove`].
    pub fn remove(self, rule: impl AccessRule<R>) -> Self {
        self.rule(Method::Remove, rule)
    }

    /// Says whether a custom method may be called: see [`Access::method`].
    pub fn method(mut self, name: &str, rule: impl AccessRule<R>) -> Self {
        match Method::named(name) {
            Method::Find | Method::Get => self.mistakes.push(standard(name, "read")),
            Method::Custom(_) => return self.rule(Method::named(name), rule),
            _ => self.mistakes.push(standard(name, name)),
        }
        self
    }

    /// Shows a field that has a rule, which anonymous callers do not see otherwise.
    pub fn field<V>(mut self, field: TypedField<R, V>) -> Self {
        self.fields.push(field.name());
        self
    }

    fn rule(mut self, method: Method, rule: impl AccessRule<R>) -> Self {
        if self.rules.iter().any(|(own, _)| *own == method) {
            self.mistakes.push(format!("{} for anonymous callers", twice(&method)));
        }
        self.rules.push((method, rule.into_condition().map(Condition::into_filter)));
        self
    }
}

fn twice(method: &Method) -> String {
    let rule = if *method == Method::Find { "reading".to_owned() } else { format!("'{method}'") };
    format!("there are two access rules for {rule}")
}

fn standard(name: &str, builder: &str) -> String {
    format!("the access rule for '{name}' is set by `.{builder}(..)`, and not by `.method(\"{name}\", ..)`")
}

impl<R, U> fmt::Debug for Access<R, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let methods: Vec<_> = self.rules.iter().map(|(method, _)| method.name()).collect();
        let fields: Vec<_> = self.fields.iter().map(|(name, _)| *name).collect();
        f.debug_struct("Access").field("rules", &methods).field("fields", &fields).finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Anonymous<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anonymous").field("rules", &self.rules).finish_non_exhaustive()
    }
}
