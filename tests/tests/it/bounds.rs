//! `docs/security.md` tells the truth: its table of bounds names what the code has, with the defaults of the code.

use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::time::Duration;

use feathers::log::Retention;
use feathers::prelude::*;

use crate::tidy::{report, root};

/// Options with a number or a time that bound nothing, each with a reason.
const NO_BOUNDS: [(&str, &str); 7] = [
    ("Realtime::heartbeat_interval", "it keeps streams alive"),
    ("Realtime::collect", "it lets events leave together"),
    ("Realtime::poll_interval", "it is advice to clients"),
    ("AuthConfig::jwt.expires_in", "it is what the app wants of its tokens"),
    ("AuthConfig::password.memory", "it is the cost of a hash"),
    ("AuthConfig::password.iterations", "it is the cost of a hash"),
    ("AuthConfig::password.min_length", "it is a rule for users"),
];

/// One row of the table.
struct Row<'a> {
    bound: &'a str,
    option: &'a str,
    default: &'a str,
    error: &'a str,
    metric: &'a str,
}

/// A default, in the code or on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    None,
    Number(u64),
    Time(Duration),
}

fn page() -> String {
    fs::read_to_string(root().join("docs/security.md")).unwrap()
}

fn rows(page: &str) -> Vec<Row<'_>> {
    let (_, table) = page.split_once("\n## Bounds\n").unwrap();
    let table = table.split("\n## ").next().unwrap();
    let row = |line| {
        let cells: Vec<&str> = str::strip_prefix(line, "| ")?.strip_suffix('|')?.split(" | ").map(str::trim).collect();
        let [bound, option, default, error, metric] = cells[..] else { panic!("'{line}' has {} cells", cells.len()) };
        Some(Row { bound, option, default, error, metric })
    };
    let all: Vec<Row<'_>> = table.lines().filter_map(row).collect();
    all.into_iter().filter(|row| row.bound != "bound" && !row.bound.starts_with("---")).collect()
}

/// Returns what stands in code marks.
fn codes(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Returns the options of every type that has some, as `Type::path` with the default.
fn options() -> Vec<(String, Value)> {
    let mut options = Vec::new();
    let mut add = |name: &str, default: &dyn Debug| {
        let mut path: Vec<(usize, String)> = Vec::new();
        for line in format!("{default:#?}").lines() {
            let text = line.trim_start();
            let indent = line.len() - text.len();
            let Some((field, value)) = text.split_once(": ") else { continue };
            path.retain(|(outer, _)| *outer < indent);
            path.push((indent, field.to_owned()));
            // The options of a server are in a struct of their own, which users never see.
            let names = path
                .iter()
                .map(|(_, name)| name.as_str())
                .filter(|name| !["options", "query", "socket", "in_flight"].contains(name));
            let names: Vec<&str> = names.collect();
            // What a store holds is no option.
            if let Some(value) = in_code(value.trim_end_matches(',')).filter(|_| names.first() != Some(&"store")) {
                options.push((format!("{name}::{}", names.join(".")), value));
            }
        }
    };
    add("Server", &Server::new(App::new()));
    add("SocketIo", &SocketIo::new());
    add("Realtime", &Realtime::new());
    add("Retention", &Retention::default());
    add("Crud", &Memory::<Document>::new());
    add("AuthConfig", &AuthConfig::default());
    add("DatabaseOptions", &Database::options());
    assert!(options.len() > 30, "options are not found any more");
    options
}

/// Reads a value as `Debug` writes it; `None` if it is neither a number nor a time nor nothing.
fn in_code(text: &str) -> Option<Value> {
    if text == "None" {
        return Some(Value::None);
    }
    if let Ok(number) = text.parse() {
        return Some(Value::Number(number));
    }
    let units = [("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9), ("s", 1.0)];
    let (number, unit) =
        units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?.parse::<f64>().ok()?, factor)))?;
    Some(Value::Time(Duration::from_secs_f64(number * unit)))
}

/// Reads a default of the page: `none`, `off`, a number, or a number with a unit; more words may follow.
fn on_page(text: &str) -> Option<Value> {
    let mut words = text.split([' ', ':']);
    let first = words.next()?;
    if ["none", "off"].contains(&first) {
        return Some(Value::None);
    }
    let number: u64 = first.replace(',', "").parse().ok()?;
    Some(match words.next() {
        Some("ms") => Value::Time(Duration::from_millis(number)),
        Some("s") => Value::Time(Duration::from_secs(number)),
        Some("min") => Value::Time(Duration::from_mins(number)),
        Some("h") => Value::Time(Duration::from_hours(number)),
        Some("KiB") => Value::Number(number << 10),
        Some("MiB") => Value::Number(number << 20),
        _ => Value::Number(number),
    })
}

/// Reads the value of a constant in a file: a number, a product, a shift or a time.
fn constant(file: &str, name: &str) -> Option<Value> {
    let source = fs::read_to_string(root().join(file)).ok()?;
    let line = source.lines().find(|line| line.contains(&format!("const {name}: ")))?;
    let value = line.split_once(" = ")?.1.strip_suffix(';')?;
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().ok();
    if let Some((unit, amount)) = value.strip_prefix("Duration::from_").and_then(|time| time.split_once('(')) {
        let amount = number(amount.strip_suffix(')')?)?;
        return Some(Value::Time(match unit {
            "millis" => Duration::from_millis(amount),
            "secs" => Duration::from_secs(amount),
            "mins" => Duration::from_mins(amount),
            "hours" => Duration::from_hours(amount),
            _ => return None,
        }));
    }
    if let Some((value, bits)) = value.split_once("<<") {
        return Some(Value::Number(number(value)? << number(bits)?));
    }
    value.split('*').map(number).product::<Option<u64>>().map(Value::Number)
}

#[test]
fn every_default_of_the_table_is_that_of_the_code() {
    let page = page();
    let options = options();
    let mut findings = Vec::new();
    for Row { bound, option, default, error, .. } in rows(&page) {
        let Some(stated) = on_page(default) else {
            findings.push(format!("{bound}: '{default}' begins neither with a number nor with none or off"));
            continue;
        };
        if error.is_empty() {
            findings.push(format!("{bound}: what happens past it is not said"));
        }
        // The last name leads to the value, where a function sets two.
        let Some(name) = codes(option).into_iter().next_back() else {
            findings.push(format!("{bound}: neither an option nor a constant is named"));
            continue;
        };
        let actual = match name.split_once("::") {
            Some((file, name)) if Path::new(file).extension().is_some() => constant(file, name),
            _ => options.iter().find(|(option, _)| option == name).map(|(_, value)| *value),
        };
        match actual {
            None => findings.push(format!("{bound}: the code has no '{name}'")),
            Some(actual) if actual != stated => {
                findings.push(format!("{bound}: the page says {default} and the code {actual:?}"));
            }
            Some(_) => {}
        }
    }
    report(&findings);
}

#[test]
fn every_option_that_bounds_something_is_in_the_table() {
    let page = page();
    let named: Vec<&str> = rows(&page).iter().flat_map(|row| codes(row.option)).collect();
    let missing =
        |option: &String| !named.contains(&option.as_str()) && !NO_BOUNDS.iter().any(|(name, _)| name == option);
    let bounds = options().into_iter().filter(|(_, value)| *value != Value::None);
    let findings: Vec<String> =
        bounds.map(|(option, _)| option).filter(missing).map(|option| format!("{option} has no row")).collect();
    report(&findings);
}

#[test]
fn every_metric_of_the_table_exists() {
    fn sources(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }

    let mut text = String::new();
    for part in ["core", "transports", "sql", "auth"] {
        sources(&root().join(format!("feathers-{part}/src")), &mut text);
    }
    let page = page();
    let metrics: Vec<&str> = rows(&page).iter().flat_map(|row| codes(row.metric)).collect();
    assert!(!metrics.is_empty(), "metrics are not found any more");
    let missing = metrics.into_iter().filter(|metric| !text.contains(&format!("\"{metric}\"")));
    report(&missing.map(|metric| format!("no metric is called {metric}")).collect::<Vec<_>>());
}
