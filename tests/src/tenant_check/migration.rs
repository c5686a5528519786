//! A migration: what it does itself, and the functions that it makes.

use sqlparser::tokenizer::Token;

use super::tokens::{self, is, name};
use super::{ACROSS, COLUMN, Catalog, DEFINERS, PARAMETER, Refusal, SCHEMA, Subject, Tenant, plpgsql};

/// What a migration may do besides making tables, types, policies and functions, and adding to tables, by how it begins.
const OWN: [&[&str]; 6] = [
    &["COMMENT"],
    &["CREATE", "INDEX"],
    &["CREATE", "STATISTICS"],
    &["CREATE", "UNIQUE", "INDEX"],
    &["DROP", "FUNCTION"],
    &["DROP", "INDEX"],
];

/// What `ALTER TABLE` may do, by how it begins, or whole where it ends so.
const ALTERATIONS: [(&[&str], bool); 4] = [
    (&["ADD", "COLUMN"], false),
    (&["ADD", "CONSTRAINT"], false),
    (&["ENABLE", "ROW", "LEVEL", "SECURITY"], true),
    (&["FORCE", "ROW", "LEVEL", "SECURITY"], true),
];

/// The only policy that there is, on every table: policies add to one another.
const POLICY: &str = "USING (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('convor.tenant', true), '')::uuid))";

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
        let mut functions: Vec<Function> = Vec::new();
        for statement in tokens::statements(tokens::read(sql)?) {
            if let Some(function) = Function::read(file, &statement)? {
                functions.push(function);
            } else {
                own(&statement).map_err(|Refusal(reason)| Refusal(format!("{file}: {reason}")))?;
            }
        }
        Catalog::of(&functions)?;
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
    let refused = |reason: &str| Refusal::new(format!("{reason}: {}", tokens::text(statement)));
    let shapes = OWN.iter().any(|words| begins(statement, words))
        || after(statement, &["CREATE", "TABLE"]).is_some_and(is_list)
        || after(statement, &["CREATE", "TYPE"])
            .is_some_and(|rest| matches!(rest, [word, list @ ..] if is(word, "AS") && is_list(list)))
        || after(statement, &["CREATE", "POLICY", "TENANT", "ON"])
            .is_some_and(|rest| tokens::read(POLICY).is_ok_and(|policy| policy == rest))
        || after(statement, &["ALTER", "TABLE"]).is_some_and(is_alteration);
    if !shapes {
        return Err(refused("a migration does not do this"));
    }
    // A column of this name would stand before the parameter in a function's body.
    if statement.iter().filter_map(name).any(|name| name == PARAMETER) {
        return Err(refused(&format!("something else is called {PARAMETER}")));
    }
    if statement.iter().filter_map(name).any(|name| name == "set_config") {
        return Err(refused("only a function sets the tenant"));
    }
    Ok(())
}

fn begins(statement: &[Token], words: &[&str]) -> bool {
    words.len() <= statement.len() && words.iter().zip(statement).all(|(word, token)| is(token, word))
}

/// What follows these words and the name of something in Convor's schema.
fn after<'t>(statement: &'t [Token], words: &[&str]) -> Option<&'t [Token]> {
    match statement.get(words.len()..)? {
        [schema, Token::Period, Token::Word(_), rest @ ..]
            if begins(statement, words) && is(schema, SCHEMA) =>
        {
            Some(rest)
        }
        _ => None,
    }
}

/// Whether the tokens are one pair of brackets and what is in them.
fn is_list(tokens: &[Token]) -> bool {
    let [Token::LParen, inner @ ..] = tokens else { return false };
    let mut depth = tokens::Depth::default();
    let end = inner.iter().position(|token| depth.is_outside(token) && *token == Token::RParen);
    end.is_some_and(|end| end + 1 == inner.len())
}

/// Whether an `ALTER TABLE` does nothing else than add to the table and its security.
fn is_alteration(actions: &[Token]) -> bool {
    let mut depth = tokens::Depth::default();
    let mut actions = actions.split(|token| depth.is_outside(token) && *token == Token::Comma);
    actions.all(|action| {
        let is = |(words, whole): &(&[&str], bool)| {
            begins(action, words) && (!whole || words.len() == action.len())
        };
        ALTERATIONS.iter().any(is)
    })
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
        let has_default = |(_, kind): &Argument| kind.contains('=') || kind.contains("default");
        if arguments.iter().any(has_default) {
            return Err(refused("a parameter has a default"));
        }
        let Options { language, body, is_definer } = Options::read(options).map_err(refused)?;
        let body_at = statement.len() - options.len() + body;
        let Token::DollarQuotedString(body) = &statement[body_at] else {
            return Err(refused("the body is no quoted text"));
        };
        Ok(Some(Self {
            origin: format!("{file}: {function}"),
            name: function,
            arguments,
            language,
            is_definer,
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

    /// Whether it takes the same parameters.
    pub(super) fn takes_what(&self, other: &Self) -> bool {
        self.arguments == other.arguments
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

/// What stands behind a function's list of arguments.
struct Options {
    language: String,
    /// Where the body is.
    body: usize,
    is_definer: bool,
}

impl Options {
    /// Reads them one after another; one that it does not know is refused, `SET` among them.
    fn read(tokens: &[Token]) -> Result<Self, &'static str> {
        let (mut language, mut body, mut is_definer) = (None, None, false);
        let mut at = 0;
        while let Some(option) = tokens.get(at) {
            let rest = &tokens[at + 1..];
            at += 1;
            if is(option, "RETURNS") {
                at += returned(rest)?;
            } else if is(option, "LANGUAGE") {
                language = rest.first().and_then(name);
                at += 1;
            } else if is(option, "AS") {
                body = Some(at);
                at += 1;
            } else if is(option, "SECURITY") {
                is_definer |= !rest.first().is_some_and(|token| is(token, "INVOKER"));
                at += 1;
            } else if !["IMMUTABLE", "STABLE", "VOLATILE", "STRICT"].iter().any(|known| is(option, known)) {
                return Err("an option of a function that the check does not know");
            }
        }
        let body = body.filter(|body| matches!(tokens.get(*body), Some(Token::DollarQuotedString(_))));
        Ok(Self {
            language: language.ok_or("no language")?,
            body: body.ok_or("the body is no quoted text")?,
            is_definer,
        })
    }
}

/// How many tokens say what is returned. A returned column is a variable in the body, and none is called as the tenant is.
fn returned(tokens: &[Token]) -> Result<usize, &'static str> {
    if let [table, Token::LParen, columns @ ..] = tokens
        && is(table, "TABLE")
    {
        let (columns, rest) = arguments(columns).ok_or("no list of columns")?;
        if columns.iter().any(|(name, _)| name == PARAMETER || name == COLUMN) {
            return Err("a returned column is called as the tenant is");
        }
        return Ok(tokens.len() - rest.len());
    }
    let mut end = usize::from(tokens.first().is_some_and(|token| is(token, "SETOF")));
    end += match &tokens[end..] {
        [Token::Word(_), Token::Period, Token::Word(_), ..] => 3,
        [Token::Word(_), ..] => 1,
        _ => return Err("nothing known is returned"),
    };
    while let Some([Token::LBracket, Token::RBracket]) = tokens.get(end..end + 2) {
        end += 2;
    }
    Ok(end)
}

/// The names and types of the arguments, and what follows their list. What is given out is no argument, so its type says so.
fn arguments(tokens: &[Token]) -> Option<(Vec<Argument>, &[Token])> {
    let mut depth = tokens::Depth::default();
    let end = tokens.iter().position(|token| depth.is_outside(token) && *token == Token::RParen)?;
    let mut depth = tokens::Depth::default();
    let mut arguments = Vec::new();
    for argument in tokens[..end].split(|token| depth.is_outside(token) && *token == Token::Comma) {
        let is_mode = |token: &Token| ["IN", "OUT", "INOUT", "VARIADIC"].iter().any(|mode| is(token, mode));
        let from = usize::from(argument.first().is_some_and(is_mode));
        let Some(first) = argument.get(from) else { continue };
        let mode = argument[..from].iter().filter(|mode| !is(mode, "IN"));
        let kind = mode.chain(&argument[from + 1..]).map(ToString::to_string).collect::<String>();
        arguments.push((name(first)?, kind.to_lowercase()));
    }
    Some((arguments, &tokens[end + 1..]))
}
