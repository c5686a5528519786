//! A host brings users of its own.

use std::sync::{Arc, OnceLock};

use convor::domain::{Principal, Role};
use convor::hub::{Batch, Outlet};
use convor::ports::{Authenticated, Authenticator, Close, Transport};
use convor::session::{Entrance, Session};
use convor::{Error, async_trait};
use mockall::mock;
use mockall::predicate::eq;
use serde_json::{Value, json};

use crate::stage::{Stage, id};

mock! {
    #[derive(Debug)]
    Users {}

    #[async_trait]
    impl Authenticator for Users {
        async fn authenticate(&self, credential: &str) -> Result<Option<Authenticated>, Error>;
    }
}

/// What the host's own user shows; nothing of Convor's looks like it.
const TICKET: &str = "host:anna:42";

/// A host that is asked for [`TICKET`] so many times and no more, and knows it the first `known` times. Its user is an
/// operator of whom Convor keeps no record.
async fn stage(asked: usize, known: usize) -> Stage {
    let tenant = Arc::new(OnceLock::new());
    let mut users = MockUsers::new();
    let (knows, mut looks) = (Arc::clone(&tenant), 0);
    users.expect_authenticate().with(eq(TICKET)).times(asked).returning(move |_| {
        looks += 1;
        let tenant = *knows.get().expect("a tenant");
        let anna = Authenticated::new(Principal::operator(tenant, id(42), Role::Operator));
        Ok((looks <= known).then_some(anna))
    });
    let stage = Stage::with(|chat| chat.authenticator(Arc::new(users))).await;
    tenant.set(stage.tenant).expect("the first tenant");
    stage
}

/// A connection that has said `hello` with [`TICKET`].
async fn hello(stage: &Stage) -> (Session, Arc<Outlet>) {
    let outlet = Arc::new(Outlet::new(stage.chat.limits()));
    let transport: Arc<dyn Transport> = Arc::clone(&outlet) as _;
    let mut session = Session::new(&stage.chat, transport, Entrance::default());
    session.receive(&json!({"type": "hello", "token": TICKET}).to_string()).await;
    (session, outlet)
}

async fn heard(outlet: &Outlet) -> Result<Vec<Value>, Close> {
    let mut batch = Vec::new();
    match outlet.next(&mut batch).await {
        Batch::Frames => {
            Ok(batch.iter().map(|frame| serde_json::from_slice(&frame.text).expect("JSON")).collect())
        }
        Batch::Close(reason) => Err(reason),
    }
}

/// Why the connection ends, after all frames before.
async fn last(outlet: &Outlet) -> Close {
    loop {
        if let Err(reason) = heard(outlet).await {
            return reason;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hosts_own_operator_is_asked_for_at_hello_and_can_chat() {
    let stage = stage(2, 2).await;
    let mut vera = stage.connect(stage.visitor).await;
    let conversation = stage.open("Hello?").await;
    let (mut session, outlet) = hello(&stage).await;
    let welcome = heard(&outlet).await.expect("frames");
    let anna = json!({"kind": "operator", "id": id::<uuid::Uuid>(42), "name": null, "role": "operator"});
    assert_eq!(welcome[0]["principal"], anna);

    let send = json!({"type": "send", "ref": "1", "conversation": conversation, "client_id": id::<uuid::Uuid>(3),
        "text": "Hello!"});
    session.receive(&send.to_string()).await;
    assert_eq!(heard(&outlet).await.expect("frames")[0]["type"], "ack");
    let heard = vera.heard().await;
    let message = &heard.last().expect("an event")["message"];
    assert_eq!((&message["text"], &message["author"]["kind"]), (&json!("Hello!"), &json!("operator")));
}

/// The second look is there for a session that ends between the first and the welcome.
#[tokio::test(start_paused = true)]
async fn a_credential_that_ends_while_it_is_welcomed_closes_the_connection() {
    let stage = stage(2, 1).await;
    let (_session, outlet) = hello(&stage).await;
    assert_eq!(heard(&outlet).await.expect("frames")[0]["type"], "welcome");
    assert_eq!(last(&outlet).await, Close::Revoked);
}

#[tokio::test(start_paused = true)]
async fn whom_the_host_does_not_know_is_not_welcomed() {
    let stage = stage(1, 0).await;
    let (_session, outlet) = hello(&stage).await;
    let told = heard(&outlet).await.expect("frames");
    assert_eq!((told.len(), &told[0]["code"]), (1, &json!("unauthenticated")));
    assert_eq!(last(&outlet).await, Close::Revoked);
}
