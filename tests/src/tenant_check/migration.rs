//! A migration: what it does itself, and the functions that it makes.

use sqlparser::tokenizer::Token;

use super::tokens::{self, is, name};
use super::{ACROSS, COLUMN, DEFINERS, PARAMETER, Refusal, SCHEMA, Subject, Tenant, plpgsql};

/// How a migration's own statements may begin: they shape the schema, and neither read nor write a tenant's rows.
const OWN: [&[&str]; 14] = [
    &["ALTER", "DEFAULT", "PRIVILEGES"],
    &["ALTER", "FUNCTION"],
    &["ALTER", "TABLE"],
    &["COMMENT"],
    &["CREATE", "INDEX"],
    &["CREATE", "POLICY"],
    &["CREATE", "SCHEMA"],
    &["CREATE", "TABLE"],
    &["CREATE", "TYPE"],
    &["CREATE", "UNIQUE", "INDEX"],
    &["DROP", "FUNCTION"],
    &["DROP", "INDEX"],
    &["GRANT"],
    &["REVOKE"],
];

/// A migration, taken apart.
#[derive(Debug)]
pub struct Migration {
    functions: Vec<Function>,
}

impl Migration {
    /// Takes a file apart.
    ///
    /// # Errors
    /// [`Refusal`] if it does something else than shape the schema and make functions.
    pub fn read(file: &str, sql: &str) -> Result<Self, Refusal> {
        let mut functions = Vec::new();
        for statement in tokens::statements(tokens::read(sql)?) {
            if let Some(function) = Function::read(file, &statement)? {
                functions.push(function);
            } else {
                own(&statement).map_err(|Refusal(reason)| Refusal(format!("{file}: {reason}")))?;
            }
        }
        Ok(Self { functions })
    }

    /// The functions that it makes, in their order.
    #[must_use]
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }
}

/// Holds a statement of the migration's own to its rules.
fn own(statement: &[Token]) -> Result<(), Refusal> {
    let begins = |words: &&[&str]| {
        words.len() <= statement.len() && words.iter().zip(statement).all(|(word, token)| is(token, word))
    };
    if !OWN.iter().any(begins) {
        return Err(Refusal::new(format!("a migration does not do this: {}", tokens::text(statement))));
    }
    // A column of this name would stand before the parameter in a function's body.
    if statement.iter().any(|token| name(token).is_some_and(|name| name == PARAMETER)) {
        return Err(Refusal::new(format!(
            "something else is called {PARAMETER}: {}",
            tokens::text(statement)
        )));
    }
    Ok(())
}

/// A parameter's name and type.
type Argument = (String, String);

/// A function, as a migration makes it.
#[derive(Debug, Clone)]
pub struct Function {
    origin: String,
    name: String,
    arguments: Vec<Argument>,
    language: String,
    is_definer: bool,
    /// The whole statement; the token at `body_at` is the body.
    statement: Vec<Token>,
    body_at: usize,
    body: Vec<Token>,
}

impl Function {
    /// The function that the statement makes; `None` if it makes none.
    fn read(file: &str, statement: &[Token]) -> Result<Option<Self>, Refusal> {
        let head = if statement.get(1).is_some_and(|token| is(token, "OR")) { 3 } else { 1 };
        let creates =
            is(&statement[0], "CREATE") && statement.get(head).is_some_and(|token| is(token, "FUNCTION"));
        if !creates {
            return Ok(None);
        }
        let refused = |reason: &str| Refusal::new(format!("{file}: {reason}: {}", tokens::text(statement)));
        let [schema, Token::Period, function, Token::LParen] =
            &statement[head + 1..(head + 5).min(statement.len())]
        else {
            return Err(refused("a function has its schema before its name"));
        };
        if !is(schema, SCHEMA) {
            return Err(refused("a function is in Convor's schema"));
        }
        let function = name(function).ok_or_else(|| refused("no name"))?;
        let (arguments, options) =
            arguments(&statement[head + 5..]).ok_or_else(|| refused("no list of arguments"))?;
        let options_at = statement.len() - options.len();
        let after = |word: &str| options.iter().position(|token| is(token, word)).map(|at| at + 1);
        let language = after("LANGUAGE").and_then(|at| name(options.get(at)?));
        let body_at = after("AS").ok_or_else(|| refused("the body is no quoted text"))? + options_at;
        let Some(Token::DollarQuotedString(body)) = statement.get(body_at) else {
            return Err(refused("the body is no quoted text"));
        };
        Ok(Some(Self {
            origin: format!("{file}: {function}"),
            name: function,
            arguments,
            language: language.ok_or_else(|| refused("no language"))?,
            is_definer: options.iter().any(|token| is(token, "DEFINER")),
            body: tokens::read(&body.value)?,
            statement: statement.to_vec(),
            body_at,
        }))
    }

    /// Its name, without the schema.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its first parameter is the tenant.
    #[must_use]
    pub fn has_tenant(&self) -> bool {
        self.arguments.first().is_some_and(|(name, kind)| name == PARAMETER && kind == "uuid")
    }

    /// The statements in its body.
    ///
    /// # Errors
    /// [`Refusal`] if the body is not understood, or the function is one that no check of its statements could hold.
    pub fn statements(&self) -> Result<Vec<Subject>, Refusal> {
        let refused = |reason: &str| Refusal::new(format!("{}: {reason}", self.origin));
        let taken = |(name, _): &Argument| name == PARAMETER || name == COLUMN;
        if self.arguments.iter().skip(usize::from(self.has_tenant())).any(taken) {
            return Err(refused("the tenant is the first parameter, a uuid, and no other is called so"));
        }
        if self.is_definer && !DEFINERS.iter().any(|(name, _)| *name == self.name) {
            return Err(refused("it runs with its owner's rights"));
        }
        let parts = match self.language.as_str() {
            "sql" => tokens::statements(self.body.clone()),
            "plpgsql" => plpgsql::statements(&self.body).map_err(|Refusal(reason)| refused(&reason))?,
            _ => return Err(refused("the language is neither sql nor plpgsql")),
        };
        let tenant = match self.has_tenant() {
            true => Tenant::Parameter,
            false if ACROSS.iter().any(|(name, _)| *name == self.name) => Tenant::Item,
            false => Tenant::None,
        };
        let origin = &self.origin;
        Ok(parts.into_iter().map(|tokens| Subject { origin: origin.clone(), tokens, tenant }).collect())
    }

    /// The statements that make it anew, each with the tenant predicate of one table replaced by `TRUE`, with the table.
    #[must_use]
    pub fn without_a_predicate(&self) -> Vec<(String, String)> {
        let bodies = super::mutants::without_a_predicate(&self.body).into_iter();
        let made = bodies.map(|(table, body)| {
            let mut statement = self.statement.clone();
            if !is(&statement[1], "OR") {
                statement.splice(1..1, [tokens::word("OR"), tokens::word("REPLACE")]);
            }
            let body_at = self.body_at + statement.len() - self.statement.len();
            statement[body_at] = tokens::word(&format!("$body$ {} $body$", tokens::text(&body)));
            (table, tokens::text(&statement))
        });
        made.collect()
    }
}

/// The names and types of the arguments, and what follows their list.
fn arguments(tokens: &[Token]) -> Option<(Vec<Argument>, &[Token])> {
    let mut depth = tokens::Depth::default();
    let end = tokens.iter().position(|token| depth.is_outside(token) && *token == Token::RParen)?;
    let mut depth = tokens::Depth::default();
    let mut arguments = Vec::new();
    for argument in tokens[..end].split(|token| depth.is_outside(token) && *token == Token::Comma) {
        let modes = ["IN", "OUT", "INOUT", "VARIADIC"];
        let from =
            usize::from(argument.first().is_some_and(|token| modes.iter().any(|mode| is(token, mode))));
        let Some(first) = argument.get(from) else { continue };
        let kind = argument[from + 1..].iter().map(ToString::to_string).collect::<String>().to_lowercase();
        arguments.push((name(first)?, kind));
    }
    Some((arguments, &tokens[end + 1..]))
}
