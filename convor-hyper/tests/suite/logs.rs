//! What stays out of the log.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::fixture::{DESK, PASSWORD, World, new_id};
use crate::served::{dial, served};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Logs what this thread does, at every level.
fn listen() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn s23_no_credential_and_nothing_that_was_typed_is_logged() {
    let (log, _listening) = listen();
    let world = World::new().await;
    let address = served(&world).await;
    let (vera, anna) = (world.visitor(&world.acme).await, world.anna(&world.acme).await);
    let id = world.conversation(&vera, 0).await;
    let said = json!({"client_id": new_id(), "text": "canary-text"});
    world.post(&format!("/v1/conversations/{id}/messages")).bearer(&vera).json(&said).await.expect(201);
    world.patch("/v1/visitor").bearer(&vera).json(&json!({"name": "canary-name"})).await.expect(200);
    world.get(&format!("/v1/visitor?token={vera}")).send().await.expect(400);
    world.get(&format!("/canary-path/{vera}")).send().await.expect(404);
    world.get("/v1/conversations?tag=canary-tag").cookie(&anna).send().await.expect(200);
    let request = json!({"tenant": world.acme.key(), "email": "canary@example.org", "password": PASSWORD, "as": "cookie"});
    world.post("/v1/sessions").origin(DESK).json(&request).await.expect(401);
    world.post("/v1/visitors").text("{\"canary-key\": 1}").await.expect(400);
    let mut client = dial(address, "/v1/socket").open().await;
    client.hello(&vera).await;
    let frame = json!({"type": "send", "ref": "1", "conversation": id, "client_id": new_id(), "text": "canary-frame"});
    client.send(frame).await;
    client.until("ack").await;
    let log = log.text();
    assert!(log.contains("request{") && log.contains("answered"), "something is logged: {log}");
    let secret = |token: &str| token.rsplit('_').next().expect("a secret").to_owned();
    for kept_out in ["canary", PASSWORD, &secret(&vera), &secret(&anna), "tag=", "token="] {
        assert!(!log.contains(kept_out), "{kept_out} is in the log: {log}");
    }
}

#[tokio::test]
async fn a_host_that_tells_no_addresses_is_told_so_once() {
    let (log, _listening) = listen();
    let world = World::new().await;
    for _ in 0..3 {
        world.post("/v1/visitors").json(&json!({"site": world.acme.site_key()})).await.expect(201);
    }
    assert_eq!(log.text().matches("limits by address are off").count(), 1);
}
