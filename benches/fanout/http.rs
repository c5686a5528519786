//! Requests to Convor's API: one connection each, since how long they take is not measured.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::refusal::refusal;
use crate::wire::head_end;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Posts a body, and gives back that of the answer, which must be a success.
pub(crate) fn post(address: SocketAddr, path: &str, token: Option<&str>, body: &Value) -> Result<Value> {
    let body = body.to_string();
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{authorization}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).with_context(|| format!("no answer from {path}"))?;
    let Some(end) = head_end(&answer) else { bail!("{path} does not speak HTTP/1.1") };
    let (head, body) = answer.split_at(end);
    let is_granted = head.starts_with(b"HTTP/1.1 2");
    ensure!(is_granted, "{path} refuses: {}", refusal(&String::from_utf8_lossy(&answer)));
    serde_json::from_slice(body).with_context(|| format!("{path} answers no JSON"))
}
