//! What a broker costs in time: how much later somebody at another server hears what is said.

use std::time::{Duration, Instant};

use convor_tests::database::Database;
use convor_tests::environment::proving;
use convor_tests::nats::Server as Nats;
use serde_json::json;
use uuid::Uuid;

use crate::api::{Api, text};
use crate::node::{Broker, Node};
use crate::socket::Socket;
use crate::way::{Fate, Way};

/// One conversation, with its visitor at one server and an operator at another one.
struct Conversation {
    nodes: [Node; 2],
    visitor: Socket,
    operator: Socket,
    id: String,
}

impl Conversation {
    async fn over(storage: &str, broker: &Broker) -> Self {
        let first = Node::of_several(storage, broker, true).await;
        let nodes = [first, Node::of_several(storage, broker, false).await];
        let [here, there] = [0, 1].map(|node| Way::to(&[nodes[node].address()], Fate::Stay));
        let tenant = nodes[0].tenant.as_ref().expect("the first makes one up");
        let account = tenant.operator("owner");
        let api = Api::new(here.clone());
        let visitor = api.register(&tenant.site_key).await;
        let operator = api.sign_in(&tenant.tenant_key, &account.email, account.password()).await;
        let body = json!({"client_id": Uuid::nil()});
        let opened = api.post("/v1/conversations", Some(&visitor), &body).await.expect("a conversation");
        let conversation = &opened["conversation"];
        let resume =
            json!([{"conversation": conversation["id"], "epoch": conversation["epoch"], "after": 0}]);
        let visitor = Socket::open(&here, &visitor, resume.clone()).await.expect("a socket");
        let operator = Socket::open(&there, &operator, resume).await.expect("a socket");
        Self { nodes, visitor, operator, id: text(&conversation["id"]) }
    }

    /// The visitor says something; gives how long it takes until that comes to the visitor, and to the operator.
    async fn say(&mut self, number: u64) -> [Duration; 2] {
        let client_id = Uuid::from_u64_pair(1, number).to_string();
        let frame = json!({"type": "send", "ref": client_id, "conversation": self.id, "client_id": client_id,
            "text": "a word"});
        let begun = now();
        self.visitor.say(&frame).await;
        let heard = [&mut self.visitor, &mut self.operator].map(|socket| heard(socket, &client_id, begun));
        let [here, there] = heard;
        tokio::join!(here, there).into()
    }
}

/// How long after this moment a message comes over a socket, which is to be the next one there.
async fn heard(socket: &mut Socket, client_id: &str, begun: Instant) -> Duration {
    loop {
        let frame = socket.next().await.expect("a frame");
        if frame["type"] == "event" && frame["kind"] == "message" {
            assert_eq!(frame["message"]["client_id"], client_id, "each is heard once, in order");
            return begun.elapsed();
        }
    }
}

#[tokio::test]
async fn two_servers_serve_one_conversation_over_either_broker() {
    let words = if proving() { 2_000 } else { 200 };
    let nats = Nats::new().await;
    for (name, broker) in [
        ("LISTEN/NOTIFY: hints, which the other server rereads", Broker::database()),
        ("NATS: hints, which the other server rereads", Broker::nats_without_key(nats.url())),
        ("NATS: what is said, sealed", Broker::nats(nats.url())),
    ] {
        let database = Database::fresh().await;
        let mut conversation = Conversation::over(&database.app_url(), &broker).await;
        let mut took = [Vec::new(), Vec::new(), Vec::new()];
        for number in 0..words {
            let [here, there] = conversation.say(number).await;
            let more = there.saturating_sub(here);
            took.iter_mut().zip([here, there, more]).for_each(|(took, time)| took.push(time));
        }
        let [here, there, more] = took.map(|mut took| {
            took.sort();
            let (median, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
            format!("{} / {}", median.as_micros(), p99.as_micros())
        });
        println!(
            "proof-columns: The hop between two servers on PostgreSQL | broker, and what travels | words | from sending to \
             hearing at the same server, µs at the median / p99 | at the other one | how much later"
        );
        println!(
            "proof: The hop between two servers on PostgreSQL | {name} | {words} | {here} | {there} | {more}"
        );
        for mut node in conversation.nodes {
            node.is_sound().await;
            node.kill().await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "what a clock on the wall shows is the question")]
fn now() -> Instant {
    Instant::now()
}
