//! A plain subset of PL/pgSQL: what control structures there are, and the statements and expressions in them.
//!
//! An expression becomes a `SELECT` of it. What is not in the subset (cursors, `EXECUTE`, `CALL`, transactions) is refused.

use sqlparser::tokenizer::Token;

use super::tokens::{Depth, is, name, word};
use super::{COLUMN, PARAMETER, Refusal};

/// What a target does not begin with: these words begin statements of PL/pgSQL and of SQL.
const KEYWORDS: [&str; 65] = [
    "ABORT",
    "ALTER",
    "ANALYZE",
    "ASSERT",
    "BEGIN",
    "CALL",
    "CASE",
    "CLOSE",
    "CLUSTER",
    "COMMENT",
    "COMMIT",
    "CONTINUE",
    "COPY",
    "CREATE",
    "DEALLOCATE",
    "DECLARE",
    "DELETE",
    "DISCARD",
    "DO",
    "DROP",
    "ELSE",
    "ELSIF",
    "END",
    "EXCEPTION",
    "EXECUTE",
    "EXIT",
    "EXPLAIN",
    "FETCH",
    "FOR",
    "FOREACH",
    "GET",
    "GRANT",
    "IF",
    "IMPORT",
    "INSERT",
    "LISTEN",
    "LOAD",
    "LOCK",
    "LOOP",
    "MERGE",
    "MOVE",
    "NOTIFY",
    "NULL",
    "OPEN",
    "PERFORM",
    "PREPARE",
    "RAISE",
    "REFRESH",
    "REINDEX",
    "RESET",
    "RETURN",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "SHOW",
    "START",
    "TABLE",
    "TRUNCATE",
    "UPDATE",
    "VACUUM",
    "VALUES",
    "WHILE",
    "WITH",
];

/// The statements and expressions of a body.
pub(super) fn statements(body: &[Token]) -> Result<Vec<Vec<Token>>, Refusal> {
    let mut reader = Reader { tokens: body, at: 0, found: Vec::new() };
    reader.block()?;
    reader.skip(&Token::SemiColon);
    if reader.at < body.len() {
        return Err(reader.lost("the end"));
    }
    Ok(reader.found)
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    found: Vec<Vec<Token>>,
}

impl<'t> Reader<'t> {
    /// `[DECLARE …] BEGIN … [EXCEPTION …] END [label]`, up to the semicolon.
    fn block(&mut self) -> Result<(), Refusal> {
        self.label();
        if self.skip_word("DECLARE") {
            while !self.is_next("BEGIN") {
                let declaration = self.until_semicolon()?;
                self.declaration(declaration)?;
            }
        }
        self.expect("BEGIN")?;
        self.statements(&["EXCEPTION", "END"])?;
        if self.skip_word("EXCEPTION") {
            while self.skip_word("WHEN") {
                let conditions = self.until("THEN")?;
                if conditions.contains(&Token::SemiColon) {
                    return Err(refused("no condition of an exception", conditions));
                }
                self.statements(&["WHEN", "END"])?;
            }
        }
        self.expect("END")?;
        self.end_label();
        Ok(())
    }

    fn declaration(&mut self, declaration: &[Token]) -> Result<(), Refusal> {
        let [Token::Word(_), Token::Word(_), ..] = declaration else {
            return Err(refused("no plain declaration", declaration));
        };
        not_the_tenant(&declaration[..1])?;
        if declaration.iter().any(|token| is(token, "CURSOR") || is(token, "ALIAS")) {
            return Err(refused("a cursor or an alias", declaration));
        }
        let value = |token: &Token| matches!(token, Token::Assignment | Token::Eq) || is(token, "DEFAULT");
        if let Some(at) = declaration.iter().position(value) {
            self.expression(&declaration[at + 1..]);
        }
        Ok(())
    }

    fn statements(&mut self, ends: &[&str]) -> Result<(), Refusal> {
        while !ends.iter().any(|end| self.is_next(end)) {
            self.statement()?;
        }
        Ok(())
    }

    fn statement(&mut self) -> Result<(), Refusal> {
        self.label();
        if self.is_next("DECLARE") || self.is_next("BEGIN") {
            self.block()?;
        } else if self.skip_word("IF") {
            return self.branches();
        } else if self.skip_word("CASE") {
            return self.cases();
        } else if self.skip_word("FOR") || self.skip_word("FOREACH") {
            self.iteration()?;
        } else if self.skip_word("WHILE") {
            let condition = self.until("LOOP")?;
            self.expression(condition);
            self.repeated()?;
        } else if self.skip_word("LOOP") {
            self.repeated()?;
        } else {
            let statement = self.until_semicolon()?;
            return self.simple(statement);
        }
        self.expect_semicolon()
    }

    /// `IF … THEN … ELSIF … THEN … ELSE … END IF;`
    fn branches(&mut self) -> Result<(), Refusal> {
        loop {
            let condition = self.until("THEN")?;
            self.expression(condition);
            self.statements(&["ELSIF", "ELSEIF", "ELSE", "END"])?;
            if !self.skip_word("ELSIF") && !self.skip_word("ELSEIF") {
                break;
            }
        }
        if self.skip_word("ELSE") {
            self.statements(&["END"])?;
        }
        self.expect("END")?;
        self.expect("IF")?;
        self.expect_semicolon()
    }

    /// `CASE … WHEN … THEN … ELSE … END CASE;`
    fn cases(&mut self) -> Result<(), Refusal> {
        let operand = self.until("WHEN")?;
        self.expression(operand);
        loop {
            let condition = self.until("THEN")?;
            self.expression(condition);
            self.statements(&["WHEN", "ELSE", "END"])?;
            if !self.skip_word("WHEN") {
                break;
            }
        }
        if self.skip_word("ELSE") {
            self.statements(&["END"])?;
        }
        self.expect("END")?;
        self.expect("CASE")?;
        self.expect_semicolon()
    }

    /// `FOR … IN … LOOP … END LOOP` over a query or numbers, and `FOREACH … IN ARRAY … LOOP … END LOOP`.
    fn iteration(&mut self) -> Result<(), Refusal> {
        let variables = self.until("IN")?;
        let slice = variables.iter().position(|token| is(token, "SLICE")).unwrap_or(variables.len());
        if targets(&variables[..slice])? != slice {
            return Err(refused("no plain target", variables));
        }
        let is_array = self.skip_word("ARRAY");
        self.skip_word("REVERSE");
        let source = self.until("LOOP")?;
        let is_query = ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE"];
        if source.first().is_some_and(|first| is_query.iter().any(|word| is(first, word))) {
            self.found.push(source.to_vec());
        } else if is_array {
            self.expression(source);
        } else {
            self.range(source)?;
        }
        self.repeated()
    }

    /// `a .. b [BY c]`
    fn range(&mut self, range: &[Token]) -> Result<(), Refusal> {
        let dots = range.windows(2).position(|pair| pair == [Token::Period, Token::Period]);
        let Some(dots) = dots else { return Err(refused("neither a query nor a range", range)) };
        self.expression(&range[..dots]);
        for bound in range[dots + 2..].split(|token| is(token, "BY")) {
            self.expression(bound);
        }
        Ok(())
    }

    fn repeated(&mut self) -> Result<(), Refusal> {
        self.statements(&["END"])?;
        self.expect("END")?;
        self.expect("LOOP")?;
        self.end_label();
        Ok(())
    }

    /// A statement without others in it.
    fn simple(&mut self, statement: &[Token]) -> Result<(), Refusal> {
        let Some((first, rest)) = statement.split_first() else { return Ok(()) };
        let begins = |word: &str| is(first, word);
        if ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].iter().any(|word| begins(word)) {
            let statement = without_targets(statement)?;
            self.found.push(statement);
        } else if begins("PERFORM") {
            self.expression(rest);
        } else if begins("RETURN") {
            match rest.first() {
                Some(token) if is(token, "QUERY") => self.query(&rest[1..])?,
                Some(token) if is(token, "NEXT") => self.expression(&rest[1..]),
                _ => self.expression(rest),
            }
        } else if begins("EXIT") || begins("CONTINUE") {
            match rest {
                [when, condition @ ..] | [Token::Word(_), when, condition @ ..] if is(when, "WHEN") => {
                    self.expression(condition);
                }
                [] | [Token::Word(_)] => {}
                _ => return Err(refused("no plain exit", statement)),
            }
        } else if begins("ASSERT") {
            self.expression(rest);
        } else if begins("RAISE") {
            self.raised(rest);
        } else if begins("GET") {
            diagnostics(rest)?;
        } else if !(begins("NULL") && rest.is_empty()) {
            self.assignment(statement)?;
        }
        Ok(())
    }

    fn query(&mut self, query: &[Token]) -> Result<(), Refusal> {
        if query.first().is_none_or(|token| is(token, "EXECUTE")) {
            return Err(refused("dynamic SQL", query));
        }
        self.found.push(query.to_vec());
        Ok(())
    }

    /// `RAISE [level] ['text', …] [USING option = …, …]`
    fn raised(&mut self, raised: &[Token]) {
        let levels = ["DEBUG", "LOG", "INFO", "NOTICE", "WARNING", "EXCEPTION"];
        let level = raised.first().is_some_and(|token| levels.iter().any(|level| is(token, level)));
        for part in raised[usize::from(level)..].split(|token| is(token, "USING")) {
            self.expression(part);
        }
    }

    /// `target := expression`, where an element of the target may be meant.
    fn assignment(&mut self, statement: &[Token]) -> Result<(), Refusal> {
        let refused = |reason| refused(reason, statement);
        let mut at = target(statement).map_err(|_| refused("no statement of the subset"))?;
        not_the_tenant(&statement[..at])?;
        if statement.get(at) == Some(&Token::LBracket) {
            let mut depth = Depth::default();
            let index = &statement[at + 1..];
            let end = index.iter().position(|token| depth.is_outside(token) && *token == Token::RBracket);
            let end = end.ok_or_else(|| refused("no plain target"))?;
            self.expression(&index[..end]);
            at += end + 2;
        }
        let Some(Token::Assignment | Token::Eq) = statement.get(at) else {
            return Err(refused("no statement of the subset"));
        };
        self.expression(&statement[at + 1..]);
        Ok(())
    }

    fn expression(&mut self, expression: &[Token]) {
        if !expression.is_empty() {
            self.found.push([&[word("SELECT")], expression].concat());
        }
    }

    fn label(&mut self) {
        if let [Token::ShiftLeft, Token::Word(_), Token::ShiftRight, ..] = self.tokens[self.at..] {
            self.at += 3;
        }
    }

    fn end_label(&mut self) {
        if matches!(self.tokens.get(self.at), Some(Token::Word(_))) {
            self.at += 1;
        }
    }

    fn is_next(&self, word: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| is(token, word))
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let found = self.is_next(word);
        self.at += usize::from(found);
        found
    }

    fn skip(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), Refusal> {
        if self.skip_word(word) { Ok(()) } else { Err(self.lost(word)) }
    }

    fn expect_semicolon(&mut self) -> Result<(), Refusal> {
        if self.skip(&Token::SemiColon) { Ok(()) } else { Err(self.lost("a semicolon")) }
    }

    fn until(&mut self, end: &str) -> Result<&'t [Token], Refusal> {
        self.up_to(|token| is(token, end), end)
    }

    fn until_semicolon(&mut self) -> Result<&'t [Token], Refusal> {
        self.up_to(|token| *token == Token::SemiColon, "a semicolon")
    }

    /// What stands before the next such token outside of brackets, and steps behind it.
    fn up_to(&mut self, is_end: impl Fn(&Token) -> bool, end: &str) -> Result<&'t [Token], Refusal> {
        let rest = &self.tokens[self.at..];
        let mut depth = Depth::default();
        let found = rest.iter().position(|token| depth.is_outside(token) && is_end(token));
        let found = found.ok_or_else(|| self.lost(end))?;
        self.at += found + 1;
        Ok(&rest[..found])
    }

    fn lost(&self, expected: &str) -> Refusal {
        let rest = &self.tokens[self.at.min(self.tokens.len())..];
        refused(&format!("expected {expected}"), &rest[..rest.len().min(12)])
    }
}

/// The statement without `INTO [STRICT] target, …`; the `INTO` of an `INSERT` stays.
fn without_targets(statement: &[Token]) -> Result<Vec<Token>, Refusal> {
    let mut depth = Depth::default();
    let outside: Vec<bool> = statement.iter().map(|token| depth.is_outside(token)).collect();
    let into = (1..statement.len())
        .find(|&at| outside[at] && is(&statement[at], "INTO") && !is(&statement[at - 1], "INSERT"));
    let Some(into) = into else { return Ok(statement.to_vec()) };
    let first = into + 1 + usize::from(statement.get(into + 1).is_some_and(|token| is(token, "STRICT")));
    let end = first + targets(&statement[first..])?;
    Ok([&statement[..into], &statement[end..]].concat())
}

/// `[CURRENT | STACKED] DIAGNOSTICS target = item, …`
fn diagnostics(tokens: &[Token]) -> Result<(), Refusal> {
    let items = match tokens {
        [word, items @ ..] if is(word, "DIAGNOSTICS") => items,
        [which, word, items @ ..]
            if (is(which, "CURRENT") || is(which, "STACKED")) && is(word, "DIAGNOSTICS") =>
        {
            items
        }
        _ => return Err(refused("no plain GET", tokens)),
    };
    for item in items.split(|token| *token == Token::Comma) {
        let at = target(item)?;
        not_the_tenant(&item[..at])?;
        let [Token::Assignment | Token::Eq, Token::Word(_)] = item[at..] else {
            return Err(refused("no plain GET", tokens));
        };
    }
    Ok(())
}

/// How many tokens the targets are with which these begin, with commas between them; none of them is the tenant.
fn targets(tokens: &[Token]) -> Result<usize, Refusal> {
    let mut end = 0;
    loop {
        let begin = end;
        end += target(&tokens[begin..])?;
        not_the_tenant(&tokens[begin..end])?;
        if tokens.get(end) != Some(&Token::Comma) {
            return Ok(end);
        }
        end += 1;
    }
}

/// How many tokens the target is with which these begin: a name, perhaps with its fields. A parameter's number is none.
fn target(tokens: &[Token]) -> Result<usize, Refusal> {
    let keyword = |token: &Token| KEYWORDS.iter().any(|keyword| is(token, keyword));
    let is_name = |token: Option<&Token>| matches!(token, Some(Token::Word(_)));
    if !is_name(tokens.first()) || tokens.first().is_some_and(keyword) {
        return Err(refused("no plain target", tokens));
    }
    let mut end = 1;
    while tokens.get(end) == Some(&Token::Period) {
        if !is_name(tokens.get(end + 1)) {
            return Err(refused("no plain target", tokens));
        }
        end += 2;
    }
    Ok(end)
}

/// Neither the parameter, under whatever name before it, nor a variable with the column's name is made or changed. A field
/// may have the column's name.
fn not_the_tenant(target: &[Token]) -> Result<(), Refusal> {
    let is_parameter = target.iter().filter_map(name).any(|name| name == PARAMETER);
    if is_parameter || target.first().and_then(name).is_some_and(|name| name == COLUMN) {
        Err(refused("the tenant is given", target))
    } else {
        Ok(())
    }
}

fn refused(reason: &str, tokens: &[Token]) -> Refusal {
    Refusal::new(format!("{reason}: {}", super::tokens::text(tokens)))
}
