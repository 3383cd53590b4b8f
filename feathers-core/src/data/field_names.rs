//! Names of fields, as texts or as the constants of a record.

use crate::data::query::TypedField;

/// What names fields: a text, the constant of a record such as `Ticket::COST`, or a list or tuple of these.
pub trait IntoFieldNames {
    /// Calls the closure with each name.
    fn each_field(self, field: impl FnMut(&str));
}

impl IntoFieldNames for &str {
    fn each_field(self, mut field: impl FnMut(&str)) {
        field(self);
    }
}

impl<T: IntoFieldNames, const N: usize> IntoFieldNames for [T; N] {
    fn each_field(self, mut field: impl FnMut(&str)) {
        for names in self {
            names.each_field(&mut field);
        }
    }
}

impl<T: IntoFieldNames> IntoFieldNames for Vec<T> {
    fn each_field(self, mut field: impl FnMut(&str)) {
        for names in self {
            names.each_field(&mut field);
        }
    }
}

impl<R, V> IntoFieldNames for TypedField<R, V> {
    fn each_field(self, mut field: impl FnMut(&str)) {
        field(self.name());
    }
}

macro_rules! tuples {
    ($($names:ident)*) => {
        impl<$($names: IntoFieldNames),*> IntoFieldNames for ($($names,)*) {
            #[expect(non_snake_case, reason = "each is called as its type")]
            fn each_field(self, mut field: impl FnMut(&str)) {
                let ($($names,)*) = self;
                $($names.each_field(&mut field);)*
            }
        }
    };
}

tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
