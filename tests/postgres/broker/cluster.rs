//! Two nodes that talk to each other over a database: what is lost on the way costs time, and never a message.

use std::sync::Arc;

use convor::domain::Principal;
use convor::ids::ConversationId;
use convor::ports::{Broker, Storage};
use convor::{Chat, Error};
use convor_postgres::{PostgresBroker, PostgresOptions, PostgresStorage};
use convor_tests::database::Database;
use convor_tests::environment::proving;
use convor_tests::fixture::{Tenant, message, node, opening};
use convor_tests::patience::look;
use convor_tests::person::Person;
use convor_tests::proxy::Proxy;

use super::faults::{kill, way_to};

/// Two nodes, each with its own way to the database, and somebody on each of them in one conversation.
struct Talk {
    database: Database,
    ways: [Proxy; 2],
    chats: [Chat; 2],
    people: [Person; 2],
    id: ConversationId,
    /// The highest position of the conversation.
    head: u64,
}

impl Talk {
    async fn begin() -> Self {
        let database = Database::fresh().await;
        let ((way_here, here), (way_there, there)) = (serving(&database).await, serving(&database).await);
        let tenant = Tenant::new(&here, "Acme").await;
        let visitor = tenant.visitor().await;
        let opened = here.open(&visitor, opening("one")).await.expect("it is opened");
        let id = opened.conversation.view.conversation.id;
        let operator = Principal::operator(tenant.id, tenant.anna.id, tenant.anna.role);
        let mut people = [Person::connect(&here, visitor).await, Person::connect(&there, operator).await];
        for person in &mut people {
            person.subscribe(id, Some(0)).await;
            person.find(|frame| frame["type"] == "event" && frame["seq"] == 1).await;
            person.seen.clear();
        }
        Self { database, ways: [way_here, way_there], chats: [here, there], people, id, head: 1 }
    }

    /// The visitor or the operator says something, each at its own node, as fast as one may.
    async fn say(&mut self, who: usize) {
        let principal = &self.people[who].principal;
        while let Err(error) = self.chats[who].post(principal, self.id, message("a word")).await {
            let Error::RateLimited { retry_after } = error else { panic!("it is not said: {error}") };
            tokio::time::sleep(retry_after).await;
        }
        self.head += 1;
    }

    /// Both hear all that has been said, in order and each once.
    async fn all_is_heard(&mut self, from: u64) {
        for person in &mut self.people {
            let last = person.find(|frame| frame["type"] == "event" && frame["seq"] == self.head).await;
            let mut frames = std::mem::take(&mut person.seen);
            frames.push(last);
            let heard = Person::seqs(&frames, self.id);
            assert!(heard.iter().copied().eq(from + 1..=self.head), "{heard:?} up to {}", self.head);
        }
    }
}

/// A node, and its broker's way to the database; its storage has another one, on which nothing goes wrong.
async fn serving(database: &Database) -> (Proxy, Chat) {
    let options = PostgresOptions::new(&database.app_url()).expect("a URL").connections_max(4);
    let storage: Arc<dyn Storage> = Arc::new(PostgresStorage::connect(options).await.expect("a storage"));
    let (way, url) = way_to(database).await;
    let broker: Arc<dyn Broker> = Arc::new(PostgresBroker::connect(&url).await.expect("a broker"));
    (way, node(&storage, &broker).start())
}

#[tokio::test]
async fn nothing_is_lost_or_said_twice_when_listeners_and_notifiers_die_in_mid_conversation() {
    let mut talk = Talk::begin().await;
    let rounds = if proving() { 20 } else { 6 };
    for round in 0..rounds {
        let from = talk.head;
        for word in 0..20 {
            talk.say(word % 2).await;
            if word == 7 {
                let victim = if round % 3 == 2 { "convor notifier" } else { "convor listener" };
                // It may not be back yet.
                let killed = look(async || (kill(&talk.database, victim).await > 0).then_some(()));
                killed.await.unwrap_or_else(|_| panic!("no {victim} comes back"));
            }
        }
        talk.all_is_heard(from).await;
    }
    prove("the connection that listens or notifies is killed", rounds, &talk);
}

#[tokio::test]
async fn messages_are_found_when_no_notification_passes_any_more() {
    let mut talk = Talk::begin().await;
    talk.ways.iter().for_each(Proxy::cut);
    for _ in 0..3 {
        let from = talk.head;
        talk.say(0).await;
        talk.say(1).await;
        talk.all_is_heard(from).await;
    }
    prove("no notification passes any more", 1, &talk);
}

#[tokio::test]
async fn messages_are_found_when_connections_hang() {
    let mut talk = Talk::begin().await;
    talk.ways.iter().for_each(Proxy::stall);
    for round in 0..4 {
        let from = talk.head;
        talk.say(0).await;
        talk.say(1).await;
        talk.all_is_heard(from).await;
        if round == 2 {
            talk.ways.iter().for_each(Proxy::mend);
        }
    }
    prove("connections hang, and go on", 1, &talk);
}

/// Two people have heard everything that was said, which is asserted where it is heard.
fn prove(what: &str, times: usize, talk: &Talk) {
    println!(
        "proof-columns: Nodes over PostgreSQL | what goes wrong | times | messages heard by both, in order, each once"
    );
    println!("proof: Nodes over PostgreSQL | {what} | {times} | {}", talk.head);
}
