//! What is said: texts that carry their number, and how it is found again in whatever frame a server makes of them.

/// Before the number; nothing else in a frame looks like this, and JSON leaves it as it is.
const MARK: &[u8; 2] = b"~#";

const DIGITS: usize = 10;

/// The bytes of a text.
pub(crate) const TEXT_BYTES: usize = 211;

const FILLER: &str =
    " Is this the one with the leather saddle? I would like to pick it up on Saturday, if that is possible.";

/// Puts the text of this number, of so many bytes, into `text`.
pub(crate) fn write_text(text: &mut String, number: u64, bytes: usize) {
    use std::fmt::Write;

    text.clear();
    // Writing into a string does not fail.
    let _ = write!(text, "~#{number:0DIGITS$}");
    while text.len() < bytes {
        let room = bytes - text.len();
        text.push_str(FILLER.get(..room).unwrap_or(FILLER));
    }
}

/// Finds numbers in frames that are made alike: behind the text there is always as much.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    /// How far before the end of a payload the last one was.
    before_end: usize,
}

impl Finder {
    /// The number in a payload, if it has one.
    pub(crate) fn number(&mut self, payload: &[u8]) -> Option<u64> {
        if let Some(number) = payload.len().checked_sub(self.before_end).and_then(|at| read(&payload[at..])) {
            return Some(number);
        }
        let at = payload.windows(MARK.len()).position(|two| two == MARK)?;
        self.before_end = payload.len() - at;
        read(&payload[at..])
    }
}

fn read(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.strip_prefix(MARK)?.get(..DIGITS)?;
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_wherever_a_server_puts_the_text() {
        let mut finder = Finder::default();
        let mut text = String::new();
        for (number, before, behind) in [(0, "", ""), (7, "{\"seq\":9,", "}"), (1_234, "{\"seq\":10,", "}")] {
            write_text(&mut text, number, TEXT_BYTES);
            assert_eq!(text.len(), TEXT_BYTES);
            let frame = format!("{before}{text}{behind}");
            assert_eq!(finder.number(frame.as_bytes()), Some(number));
        }
        assert_eq!(finder.number(b"{\"type\":\"heartbeat\"}"), None);
        assert_eq!(finder.number(b""), None);
    }
}
