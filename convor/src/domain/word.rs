//! Words: what a message is found by.

use std::collections::BTreeSet;
use std::fmt;

/// A word as it is searched for: letters and digits in lower case, at most [`Word::CHARS_MAX`] characters. The core cuts texts
/// into words, so that every storage finds the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(String);

impl Word {
    /// How many characters of a word count; the rest of a longer one is not looked at.
    pub const CHARS_MAX: usize = 64;

    /// The words of a text, each once, in their order by code point.
    #[must_use]
    pub fn all_in(text: &str) -> BTreeSet<Self> {
        let mut all = BTreeSet::new();
        Self::each_in(text, |word| {
            if !all.contains(word) {
                all.insert(word.clone());
            }
        });
        all
    }

    /// Shows the words of a text one after the other, as often as they are in it. They share one piece of memory: for indexes
    /// that know most of them already.
    pub fn each_in(text: &str, mut show: impl FnMut(&Self)) {
        let mut word = Self(String::new());
        for part in text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()) {
            word.become_of(part);
            show(&word);
        }
    }

    fn become_of(&mut self, part: &str) {
        self.0.clear();
        if part.is_ascii() {
            self.0.push_str(part.get(..Self::CHARS_MAX).unwrap_or(part));
            self.0.make_ascii_lowercase();
        } else {
            self.0.push_str(&part.to_lowercase());
            if let Some((end, _)) = self.0.char_indices().nth(Self::CHARS_MAX) {
                self.0.truncate(end);
            }
        }
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Word(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Word::all_in(text).into_iter().map(|word| word.0).collect()
    }

    #[test]
    fn a_text_is_cut_where_neither_letters_nor_digits_are() {
        assert_eq!(words("Grüße, GRÜSSE & grüße! Nr. 42-b"), ["42", "b", "grüsse", "grüße", "nr"]);
        assert_eq!(words(" \n…—  "), [""; 0]);
        for letter in ["x", "ü"] {
            assert_eq!(words(&letter.repeat(100)), [letter.repeat(Word::CHARS_MAX)]);
            assert_eq!(words(&letter.repeat(Word::CHARS_MAX)), [letter.repeat(Word::CHARS_MAX)]);
        }
    }

    #[test]
    fn a_word_hides_from_debug() {
        assert!(!format!("{:?}", Word::all_in("canary")).contains("canary"));
    }
}
