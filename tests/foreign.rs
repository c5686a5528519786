//! A client that shares no code with the server, in another language, written from the protocol's page alone.

use std::process::Stdio;

use convor_tests::environment::provided;
use convor_tests::patience::PATIENCE;
use convor_tests::server::Server;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/foreign/client.py");

/// Of what the client writes and is given.
const WRITTEN: [&str; 7] = ["cvv_", "cvs_", "Iris", "iris@", "saddle", "Good morning", "A regular"];

#[tokio::test]
async fn a_client_written_from_the_protocols_page_alone_finds_every_promise_kept() {
    let server = Server::demo(&[]).await;
    let mut client = Command::new(provided("CONVOR_PYTHON"))
        .arg(CLIENT)
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let announcement = serde_json::to_vec(&server.announced).expect("JSON");
    let mut input = client.stdin.take().expect("piped");
    input.write_all(&announcement).await.expect("it listens");
    drop(input);
    let output = tokio::time::timeout(PATIENCE, client.wait_with_output()).await;
    let output = output.expect("it ends in time").expect("its output");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}\nafter\n{said}\nthe server says\n{}", server.log());
    let log = server.log();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log is at its finest: {log}");
    for written in WRITTEN {
        let found: Vec<_> = log.lines().filter(|line| line.contains(written)).collect();
        assert_eq!(found, [""; 0], "s52: what people write and show is in no log");
    }
    let kept = said.lines().filter(|line| line.starts_with("kept: ")).count();
    let client = said.lines().last().unwrap_or_default();
    println!("proof-columns: Foreign clients | client | promises checked");
    println!("proof: Foreign clients | Python, {client} | {kept}");
}
