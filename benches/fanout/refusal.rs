//! What is said of a refusal.

/// What to do about limits. Those of the reference server are raised; a target's may not be.
const RAISE: &str = "A server of your own has to allow one client to be many: \
    `convor-server --limits benches/fanout/limits.toml --connections-max 100000`";

/// How a Convor server says that a limit has been met, in a frame or in the body of an answer,
const SAID: [&str; 2] = ["rate_limited", "too many connections"];

/// and by the status or the close code alone.
const CODES: [&str; 2] = ["429", "4104"];

/// What a server has answered instead of what was asked for, and what to do about it where its limits are the reason.
pub(crate) fn refusal(answer: &str) -> String {
    let is_limit = SAID.iter().any(|said| answer.contains(said))
        || answer.starts_with("HTTP/1.1 429 ")
        || CODES.contains(&answer);
    if is_limit { format!("{answer}\n{RAISE}") } else { answer.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_meets_a_limit_is_told_how_to_raise_it() {
        let rate = "{\"type\":\"error\",\"code\":\"rate_limited\"}";
        for answer in [rate, "too many connections", "HTTP/1.1 429 Too Many Requests", "429", "4104"] {
            assert!(refusal(answer).contains("--limits benches/fanout/limits.toml"), "{answer}");
        }
        assert_eq!(refusal("HTTP/1.1 404 Not Found"), "HTTP/1.1 404 Not Found");
    }
}
