//! What the compiler says, without what depends on the machine or on lines outside of the case.

use serde_json::Value;

/// Where the cases are.
const CASES: &str = "feathers/tests/ui/";

/// Returns the messages of a compiler that writes them as JSON, one a line.
pub(crate) fn messages(output: &[u8]) -> String {
    let output = String::from_utf8_lossy(output);
    let read = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(message) => message["rendered"].as_str().map(ToOwned::to_owned),
        // It is no message, so that something is wrong with the compiler itself.
        Err(_) => Some(line.to_owned()),
    };
    let summary = ["error: aborting due to", "Some errors have detailed", "For more information about"];
    let messages = output.lines().filter_map(read);
    let messages = messages.filter(|message| !summary.iter().any(|beginning| message.starts_with(beginning)));
    messages.map(|message| as_kept(&message)).collect::<Vec<_>>().join("\n")
}

/// Returns one message as it is kept.
fn as_kept(rendered: &str) -> String {
    let lines: Vec<Line<'_>> = lines(rendered);
    let number = |line: &Line<'_>| if let Line::Numbered(number, _) = line { number.len() } else { 0 };
    // The margin is as wide as the longest number, and the longest may be one that is not kept.
    let margin = lines.iter().map(number).max().unwrap_or_default().max(1);
    let before = rendered.lines().find_map(|line| line.find("--> ").filter(|at| line[..*at].trim().is_empty()));
    let surplus = before.unwrap_or(margin).saturating_sub(margin);
    let mut text = String::new();
    for line in lines {
        let line = match line {
            Line::Numbered(number, rest) => format!("{number:>margin$} {rest}"),
            Line::Unnumbered(rest) => format!("{:margin$} {rest}", ""),
            Line::Place(mark, place) => format!("{:margin$}{mark} {place}", ""),
            Line::Other(line) => {
                let is_indented = line.len() - line.trim_start().len() >= surplus;
                line[if is_indented { surplus } else { 0 }..].to_owned()
            }
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.replace(CASES, "tests/ui/") + "\n"
}

fn lines(rendered: &str) -> Vec<Line<'_>> {
    let mut is_outside = false;
    let mut lines = Vec::new();
    for line in rendered.lines() {
        let trimmed = line.trim_start();
        let digits = trimmed.len() - trimmed.trim_start_matches(|char: char| char.is_ascii_digit()).len();
        let rest = trimmed[digits..].strip_prefix(' ').filter(|rest| digits > 0 && rest.starts_with('|'));
        lines.push(if let Some((mark, place)) = place(trimmed) {
            let outside = outside(place);
            is_outside = outside.is_some();
            Line::Place(mark, outside.unwrap_or_else(|| place.to_owned()))
        } else if let Some(rest) = rest {
            if is_outside { Line::Unnumbered(rest) } else { Line::Numbered(&trimmed[..digits], rest) }
        } else if is_noise(trimmed) {
            continue;
        } else {
            Line::Other(others(line))
        });
    }
    lines
}

/// Returns a place outside of the case without the line, which changes when something above it does.
fn outside(place: &str) -> Option<String> {
    let file = place.trim_end_matches(|char: char| char.is_ascii_digit() || char == ':');
    if file.starts_with(CASES) {
        return None;
    }
    let library = file.split_once("/registry/src/").and_then(|(_, file)| file.split_once('/'));
    let library = library.map(|(_, file)| format!("$CARGO/{file}"));
    let standard = || Some(format!("$RUST/{}", file.split_once("/library/")?.1));
    Some(library.or_else(standard).unwrap_or_else(|| format!("$WORKSPACE/{file}")))
}

/// A line of a message.
enum Line<'a> {
    /// A line of the case: its number, and what comes behind.
    Numbered(&'a str, &'a str),
    /// A line of another file.
    Unnumbered(&'a str),
    /// Where something is.
    Place(&'static str, String),
    Other(String),
}

fn place(line: &str) -> Option<(&'static str, &str)> {
    ["-->", ":::"].into_iter().find_map(|mark| Some((mark, line.strip_prefix(mark)?.strip_prefix(' ')?)))
}

/// Tells whether a line says where the compiler has written the whole name of a type.
fn is_noise(line: &str) -> bool {
    ["= note: the full name for the type has been written to", "= note: consider using `--verbose`"]
        .iter()
        .any(|beginning| line.starts_with(beginning))
}

/// Leaves out how many others there are: a list of types grows with each library.
fn others(line: &str) -> String {
    let count = line.trim_start().strip_prefix("and ").and_then(|line| line.strip_suffix(" others"));
    match count {
        Some(count) if count.bytes().all(|byte| byte.is_ascii_digit()) => line.replace(count, "$N"),
        _ => line.to_owned(),
    }
}

#[test]
fn a_message_is_kept_without_lines_of_other_files() {
    let rendered = "error: no\n   --> feathers/tests/ui/a.rs:9:1\n    |\n  9 | a\n    | ^\n    = help: types:\n              X\n            \
        and 12 others\nnote: b\n   --> feathers-core/src/b.rs:123:4\n    |\n123 | b\n    | -\n\n";
    let kept = "error: no\n --> tests/ui/a.rs:9:1\n  |\n9 | a\n  | ^\n  = help: types:\n            X\n          \
        and $N others\nnote: b\n --> $WORKSPACE/feathers-core/src/b.rs\n  |\n  | b\n  | -\n";
    assert_eq!(as_kept(rendered), kept);
}
