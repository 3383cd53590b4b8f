//! Letter case: serde's rules for field names, and the camel case of method names.

/// Renames a field as serde's `rename_all` does; a rule that serde does not know leaves it as it is, and serde says so.
pub(crate) fn rename_field(rule: &str, field: &str) -> String {
    match rule {
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => field.to_ascii_uppercase(),
        "PascalCase" => pascal(field),
        "camelCase" => decapitalised(&pascal(field)),
        "kebab-case" => field.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => field.to_ascii_uppercase().replace('_', "-"),
        // Serde takes fields to be in snake case already.
        _ => field.to_owned(),
    }
}

/// Renames a variant of an enum as serde's `rename_all` does.
pub(crate) fn rename_variant(rule: &str, variant: &str) -> String {
    match rule {
        "lowercase" => variant.to_ascii_lowercase(),
        "UPPERCASE" => variant.to_ascii_uppercase(),
        "camelCase" => decapitalised(variant),
        "snake_case" => snake(variant),
        "SCREAMING_SNAKE_CASE" => snake(variant).to_ascii_uppercase(),
        "kebab-case" => snake(variant).replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => snake(variant).to_ascii_uppercase().replace('_', "-"),
        // Serde takes variants to be in Pascal case already.
        _ => variant.to_owned(),
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len());
    for (index, letter) in name.char_indices() {
        if index > 0 && letter.is_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// Returns the name under which clients call a method: `snooze_all` is `snoozeAll`.
pub(crate) fn method_name(function: &str) -> String {
    decapitalised(&pascal(function))
}

fn pascal(name: &str) -> String {
    let mut capital = true;
    let mut pascal = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter == '_' {
            capital = true;
        } else if capital {
            pascal.push(letter.to_ascii_uppercase());
            capital = false;
        } else {
            pascal.push(letter);
        }
    }
    pascal
}

fn decapitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}
