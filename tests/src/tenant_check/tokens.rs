//! Statements as tokens, without white space and comments.

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::Refusal;

/// Cuts SQL into tokens. Strings stay as they are written, so that [`text`] gives them back.
pub(super) fn read(sql: &str) -> Result<Vec<Token>, Refusal> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).with_unescape(false).tokenize();
    let mut tokens = tokens.map_err(|error| Refusal::new(format!("no tokens: {error}")))?;
    tokens.retain(|token| !matches!(token, Token::Whitespace(_) | Token::EOF));
    Ok(tokens)
}

/// The tokens on one line.
pub(super) fn text(tokens: &[Token]) -> String {
    let mut text = String::new();
    for (at, token) in tokens.iter().enumerate() {
        let joined = matches!(token, Token::Period | Token::Comma | Token::RParen | Token::SemiColon)
            || at.checked_sub(1).is_none_or(|before| matches!(tokens[before], Token::Period | Token::LParen));
        if !joined {
            text.push(' ');
        }
        text.push_str(&token.to_string());
    }
    text
}

/// Whether the token is this word, written without quotes in whatever case.
pub(super) fn is(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

/// The name that the token stands for, as the database reads it.
pub(super) fn name(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_lowercase()),
        Token::Word(word) => Some(word.value.clone()),
        _ => None,
    }
}

/// The statements, cut at their semicolons.
pub(super) fn statements(tokens: Vec<Token>) -> Vec<Vec<Token>> {
    let parts = tokens.split(|token| *token == Token::SemiColon).map(<[Token]>::to_vec);
    parts.filter(|part| !part.is_empty()).collect()
}

/// The tokens of a word that is no keyword.
pub(super) fn word(text: &str) -> Token {
    Token::make_word(text, None)
}

/// Where the brackets and `CASE … END` are that a token stands in.
#[derive(Debug, Default)]
pub(super) struct Depth {
    brackets: usize,
    cases: usize,
}

impl Depth {
    /// Whether the token stands outside all of them; it is counted.
    pub(super) fn is_outside(&mut self, token: &Token) -> bool {
        let outside = self.brackets == 0 && self.cases == 0;
        match token {
            Token::LParen | Token::LBracket => self.brackets += 1,
            Token::RParen | Token::RBracket => self.brackets = self.brackets.saturating_sub(1),
            _ if is(token, "CASE") => self.cases += 1,
            _ if is(token, "END") => self.cases = self.cases.saturating_sub(1),
            _ => {}
        }
        outside
    }
}
