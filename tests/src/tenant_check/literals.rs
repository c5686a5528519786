//! The SQL in a Rust file: its string literals that look like a statement.

/// What a literal with SQL in it has: a word that begins a statement or a clause, in capitals, or a name in the schema.
const WORDS: [&str; 20] = [
    "ALTER", "BEGIN", "CALL", "COMMIT", "COPY", "CREATE", "DELETE", "DO", "DROP", "EXECUTE", "FROM", "GRANT",
    "INSERT", "LISTEN", "MERGE", "NOTIFY", "SELECT", "SET", "TRUNCATE", "UPDATE",
];

/// Rights to a table, which are written as statements begin.
const RIGHTS: [&str; 4] = ["DELETE", "INSERT", "SELECT", "UPDATE"];

/// The literals of a file that look like SQL, each with its line.
#[must_use]
pub fn sql_literals(rust: &str) -> Vec<(usize, String)> {
    let literals = literals(rust).into_iter();
    literals.filter(|(_, text)| looks_like_sql(text)).collect()
}

fn looks_like_sql(text: &str) -> bool {
    let mut words =
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    if is_list_of_rights(text) {
        return false;
    }
    // A name alone is no statement.
    let mut named = text.split("convor.").skip(1).filter(|_| text.contains([' ', '\n', '(']));
    named.any(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
        || words.any(|word| WORDS.contains(&word))
}

/// Whether there is nothing but rights, with or without columns: `SELECT, UPDATE (a, b)`. It names no table.
fn is_list_of_rights(text: &str) -> bool {
    let mut rest = text.to_owned();
    while let (Some(open), Some(close)) = (rest.find('('), rest.find(')')) {
        let is_name = |c: char| c.is_ascii_lowercase() || "_, ".contains(c);
        if close < open || !rest[open + 1..close].chars().all(is_name) {
            return false;
        }
        rest.replace_range(open..=close, "");
    }
    rest.split(',').all(|right| RIGHTS.contains(&right.trim()))
}

/// Every string literal, raw ones included, with its line; comments and characters are passed over.
fn literals(rust: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut rest = rust;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let line = 1 + rust[..rust.len() - rest.len()].matches('\n').count();
        let is_word = before.is_alphanumeric() || before == '_';
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment(rest)
        } else if first == '"' {
            let (text, taken) = quoted(rest);
            found.push((line, text));
            taken
        } else if let Some((text, taken)) = raw(rest).filter(|_| !is_word) {
            found.push((line, text));
            taken
        } else if first == '\'' {
            character(rest)
        } else {
            first.len_utf8()
        };
        before = first;
        rest = &rest[taken..];
    }
    found
}

/// How long a block comment is; they nest.
fn comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// What a plain literal says, and how long it is. A backslash before a line's end takes the next line's indentation away.
fn quoted(rest: &str) -> (String, usize) {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, at + 1),
            '\\' => match chars.next() {
                Some((_, '\n')) => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, escaped)) => text.push(escaped),
                None => {}
            },
            _ => text.push(c),
        }
    }
    (text, rest.len())
}

/// What a raw literal says, and how long it is; `None` if there is none.
fn raw(rest: &str) -> Option<(String, usize)> {
    let after =
        rest.strip_prefix("r").or_else(|| rest.strip_prefix("br")).or_else(|| rest.strip_prefix("cr"))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let text = after[hashes..].strip_prefix('"')?;
    let end = text.find(&format!("\"{}", "#".repeat(hashes)))?;
    let begin = rest.len() - text.len();
    Some((text[..end].to_owned(), begin + end + 1 + hashes))
}

/// How long a character is, or the quote of a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            rest[2..].char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(1, |(at, _)| 2 + at + 1)
        }
        Some((at, c)) if rest[at + c.len_utf8()..].starts_with('\'') => at + c.len_utf8() + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_found_wherever_they_stand() {
        let rust = r####"
            // "SELECT 1"
            /* "SELECT 2" /* "SELECT 3" */ */
            let a = "SELECT 4 \
                     FROM x";
            let b = r#"SELECT "5""#; let c = '"'; let d: &'static str = "SELECT 6\n";
            let e = '\''; let f = "convor.x(\"7\")"; let g = "no statement";
            let rights = ["SELECT, UPDATE (a, b)", "DELETE"]; let hidden = "SELECT (SELECT 7)";
            let bar"SELECT 8"; let h = '\u{22}'; let i = "UPDATE 9";
        "####;
        let found: Vec<_> = sql_literals(rust).into_iter().collect();
        let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        let expected = [
            "SELECT 4 FROM x",
            "SELECT \"5\"",
            "SELECT 6\n",
            "convor.x(\"7\")",
            "SELECT (SELECT 7)",
            "SELECT 8",
            "UPDATE 9",
        ];
        assert_eq!(texts, expected);
        assert_eq!(found[1].0, 6);
    }
}
