//! What the sources name. An enum that may grow can be gone through from outside only by reading where it is declared.

use std::collections::BTreeSet;

pub(crate) const ERROR: &str = include_str!("../../convor/src/error.rs");
pub(crate) const FRAME: &str = include_str!("../../convor/src/protocol/frame.rs");
pub(crate) const TRANSPORT: &str = include_str!("../../convor/src/ports/transport.rs");
pub(crate) const PROBLEM: &str = include_str!("../../convor-hyper/src/problem.rs");

/// The part of a source from its first `start` to the next `end`.
pub(crate) fn part<'a>(source: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = source.split_once(start).unwrap_or_else(|| panic!("no `{start}` in the source"));
    rest.split_once(end).unwrap_or_else(|| panic!("no end of `{start}` in the source")).0
}

/// The variants of an enum in snake case, as serde renames them.
pub(crate) fn variants(source: &str, declaration: &str) -> BTreeSet<String> {
    let lines = part(source, declaration, "\n}").lines();
    let names = lines.filter_map(|line| line.strip_prefix("    "));
    let names = names.filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()));
    names
        .map(|name| snake_case(name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()))
        .collect()
}

/// The words in quotes that could be codes.
pub(crate) fn codes(source: &str) -> BTreeSet<String> {
    let quoted = source.split('"').skip(1).step_by(2);
    let is_code = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    quoted.filter(is_code).map(str::to_owned).collect()
}

/// The numbers that the arms of a match answer.
pub(crate) fn numbers(source: &str) -> BTreeSet<u64> {
    source.lines().filter_map(|line| line.split_once("=> ")?.1.trim_end_matches(',').parse().ok()).collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[test]
fn a_source_is_read_as_it_is_formatted() {
    let source = "pub enum Word {\n    /// One.\n    OneWord,\n    #[doc(hidden)]\n    Two(Three),\n    Four {\n        Five: u8,\n    },\n}\n";
    let names: Vec<_> = variants(source, "pub enum Word {").into_iter().collect();
    assert_eq!(names, ["four", "one_word", "two"]);
    assert_eq!(codes(r#""a_b" "A title." "" x"#).into_iter().collect::<Vec<_>>(), ["a_b"]);
    assert_eq!(numbers("A => 1,\nB { .. } => 20,\nC => \"c\",").into_iter().collect::<Vec<_>>(), [1, 20]);
}
