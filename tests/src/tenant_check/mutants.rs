//! Statements with one mention of the tenant less, to see that its absence is noticed.

use std::ops::Range;

use sqlparser::tokenizer::Token;

use super::tokens::{Depth, is, name, word};
use super::{COLUMN, Catalog, SCHEMA};

/// The statement with one mention of the tenant taken away or falsified, once for each mention and way.
pub(super) fn of(tokens: &[Token], catalog: &Catalog) -> Vec<Vec<Token>> {
    let mut mutants = Vec::new();
    for predicate in predicates(tokens) {
        mutants.push(replaced(tokens, predicate.clone(), &[word("TRUE")]));
        let weakened =
            [&[Token::LParen], &tokens[predicate.clone()], &[word("OR"), word("TRUE"), Token::RParen]];
        mutants.push(replaced(tokens, predicate, &weakened.concat()));
    }
    let falsified = inserted(tokens).into_iter().chain(handed_on(tokens, catalog));
    mutants.extend(falsified.map(|place| replaced(tokens, place, &[word("p_other")])));
    mutants
}

/// The tokens with the tenant predicate of one of their tables replaced by `TRUE`, once for each predicate, and the table.
pub(super) fn without_a_predicate(tokens: &[Token]) -> Vec<(String, Vec<Token>)> {
    let predicates = predicates(tokens).into_iter();
    predicates
        .filter_map(|predicate| {
            let table = table_of(tokens, predicate.clone())?;
            Some((table, replaced(tokens, predicate, &[word("TRUE")])))
        })
        .collect()
}

/// The table of the first `tenant_id` in a predicate: the last one before it under that name.
fn table_of(tokens: &[Token], predicate: Range<usize>) -> Option<String> {
    let column = predicate.clone().find(|&at| is_column(&tokens[at]))?;
    let under = match &tokens[..column] {
        [.., under @ Token::Word(_), Token::Period] => name(under),
        _ => None,
    };
    let mut tables = (0..predicate.start).rev().filter_map(|at| match &tokens[at..predicate.start] {
        [schema, Token::Period, table, rest @ ..] if is(schema, SCHEMA) => {
            let alias = rest.first().filter(|token| !is(token, "AS")).or_else(|| rest.get(1));
            Some((name(table)?, alias.and_then(name)))
        }
        _ => None,
    });
    let found =
        tables.find(|(table, alias)| under.is_none() || *alias == under || Some(table) == under.as_ref());
    found.map(|(table, _)| table)
}

fn replaced(tokens: &[Token], place: Range<usize>, by: &[Token]) -> Vec<Token> {
    [&tokens[..place.start], by, &tokens[place.end..]].concat()
}

/// Where a `tenant_id` is said to equal something.
fn predicates(tokens: &[Token]) -> Vec<Range<usize>> {
    let equal = (0..tokens.len()).filter(|&at| tokens[at] == Token::Eq);
    let sides = equal.filter_map(|at| {
        let sides = left(&tokens[..at])?..at + 1 + right(&tokens[at + 1..])?;
        tokens[sides.clone()].iter().any(is_column).then_some(sides)
    });
    sides.collect()
}

fn is_column(token: &Token) -> bool {
    name(token).is_some_and(|name| name == COLUMN)
}

/// Where the operand begins with which the tokens end.
fn left(tokens: &[Token]) -> Option<usize> {
    match tokens {
        [.., Token::Word(_), Token::Period, Token::Word(_)] => Some(tokens.len() - 3),
        [.., Token::Word(_)] | [.., Token::Placeholder(_)] => Some(tokens.len() - 1),
        [.., Token::RParen] => {
            let mut open = 0_usize;
            let matching = |token: &Token| {
                open = match token {
                    Token::RParen => open + 1,
                    Token::LParen => open - 1,
                    _ => open,
                };
                open == 0
            };
            tokens.iter().rposition(matching)
        }
        _ => None,
    }
}

/// How long the operand is with which the tokens begin.
fn right(tokens: &[Token]) -> Option<usize> {
    let operand = match tokens {
        [Token::Word(_), Token::Period, Token::Word(_), ..] => 3,
        [Token::Word(_) | Token::Placeholder(_), ..] => 1,
        [Token::LParen, ..] => closing(tokens)? + 1,
        _ => return None,
    };
    Some(if tokens.get(operand) == Some(&Token::DoubleColon) { operand + 2 } else { operand })
}

/// Where the bracket closes that the first token opens.
fn closing(tokens: &[Token]) -> Option<usize> {
    let mut depth = Depth::default();
    tokens
        .get(1..)?
        .iter()
        .position(|token| depth.is_outside(token) && *token == Token::RParen)
        .map(|at| at + 1)
}

/// What stands in the place of `tenant_id` in each row of each `INSERT`.
fn inserted(tokens: &[Token]) -> Vec<Range<usize>> {
    let into = (0..tokens.len()).filter(|&at| is(&tokens[at], "INSERT"));
    into.filter_map(|at| inserted_at(tokens, at)).flatten().collect()
}

fn inserted_at(tokens: &[Token], insert: usize) -> Option<Vec<Range<usize>>> {
    let columns = insert + tokens[insert..].iter().position(|token| *token == Token::LParen)?;
    let end = columns + closing(&tokens[columns..])?;
    let listed = &tokens[columns + 1..end];
    let place =
        listed.split(|token| *token == Token::Comma).position(|column| column.iter().any(is_column))?;
    let mut at = end + 1;
    if is(tokens.get(at)?, "SELECT") {
        return Some(vec![item(tokens, at + 1, place)?]);
    }
    let mut places = Vec::new();
    while matches!(tokens.get(at), Some(token) if is(token, "VALUES") || *token == Token::Comma) {
        places.push(item(tokens, at + 2, place)?);
        at += 2 + closing(tokens.get(at + 1..)?)?;
    }
    Some(places)
}

/// The item in this place of a list that begins there.
fn item(tokens: &[Token], begin: usize, place: usize) -> Option<Range<usize>> {
    let mut depth = Depth::default();
    let (mut first, mut passed) = (begin, 0);
    for (at, token) in tokens.iter().enumerate().skip(begin) {
        let outside = depth.is_outside(token);
        let ends_item = outside && *token == Token::Comma;
        let ends_list = outside && (*token == Token::RParen || is(token, "FROM"));
        if passed == place && (ends_item || ends_list) {
            return Some(first..at);
        } else if ends_list {
            return None;
        } else if ends_item {
            (first, passed) = (at + 1, passed + 1);
        }
    }
    (passed == place).then_some(first..tokens.len())
}

/// The tenant where it is the first argument of a function that takes one, or what `set_config` sets.
fn handed_on(tokens: &[Token], catalog: &Catalog) -> Vec<Range<usize>> {
    let takes_tenant =
        |function: &Token| name(function).and_then(|name| catalog.takes_tenant(&name)) == Some(true);
    let handed = (0..tokens.len()).filter(|&at| match &tokens[..at] {
        [.., schema, Token::Period, function, Token::LParen] => is(schema, SCHEMA) && takes_tenant(function),
        [.., function, Token::LParen, Token::SingleQuotedString(_), Token::Comma] => {
            is(function, "set_config")
        }
        _ => false,
    });
    handed.filter_map(|at| Some(at..at + right(&tokens[at..])?)).collect()
}
