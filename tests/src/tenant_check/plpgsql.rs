//! A plain subset of PL/pgSQL: what control structures there are, and the statements and expressions in them.
//!
//! An expression becomes a `SELECT` of it. What is not in the subset (cursors, `EXECUTE`, `CALL`, transactions) is refused.

use sqlparser::tokenizer::Token;

use super::tokens::{Depth, is, name, word};
use super::{COLUMN, PARAMETER, Refusal};

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
                self.until("THEN")?;
                self.statements(&["WHEN", "END"])?;
            }
        }
        self.expect("END")?;
        self.end_label();
        Ok(())
    }

    fn declaration(&mut self, declaration: &[Token]) -> Result<(), Refusal> {
        not_the_tenant(declaration)?;
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
        not_the_tenant(self.until("IN")?)?;
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
            let condition = rest.iter().position(|token| is(token, "WHEN"));
            self.expression(condition.map_or(&[], |at| &rest[at + 1..]));
        } else if begins("ASSERT") {
            self.expression(rest);
        } else if begins("RAISE") {
            self.raised(rest);
        } else if begins("GET") {
            not_the_tenant(rest)?;
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

    /// `target := expression`
    fn assignment(&mut self, statement: &[Token]) -> Result<(), Refusal> {
        let at = statement.iter().position(|token| matches!(token, Token::Assignment | Token::Eq));
        let at = at.ok_or_else(|| refused("no statement of the subset", statement))?;
        let target = &statement[..at];
        not_the_tenant(target)?;
        if target.contains(&Token::LParen) {
            return Err(refused("no plain target", statement));
        }
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
    let mut end = into + 1 + usize::from(statement.get(into + 1).is_some_and(|token| is(token, "STRICT")));
    loop {
        end += 1;
        match statement.get(end) {
            Some(Token::Comma | Token::Period) => end += 1,
            _ => break,
        }
    }
    let end = end.min(statement.len());
    not_the_tenant(&statement[into..end])?;
    Ok([&statement[..into], &statement[end..]].concat())
}

/// Neither the parameter nor a variable with the column's name is made or changed.
fn not_the_tenant(tokens: &[Token]) -> Result<(), Refusal> {
    let taken = |name: String| name == PARAMETER || name == COLUMN;
    // What follows a period is a field, and what follows an assignment a value.
    let targets = tokens.split(|token| matches!(token, Token::Assignment | Token::Eq)).next().unwrap_or(&[]);
    let named = |(at, token): (usize, &Token)| {
        (at == 0 || targets[at - 1] != Token::Period) && name(token).is_some_and(taken)
    };
    if targets.iter().enumerate().any(named) { Err(refused("the tenant is given", tokens)) } else { Ok(()) }
}

fn refused(reason: &str, tokens: &[Token]) -> Refusal {
    Refusal::new(format!("{reason}: {}", super::tokens::text(tokens)))
}
