//! Two nodes that serve one conversation.

use convor::domain::Principal;
use convor::ids::ConversationId;
use convor::{Chat, Error};
use tokio::time::sleep;

use crate::fixture::{Tenant, message, opening};
use crate::person::Person;

/// Two nodes that share a storage, and somebody on each of them in one conversation: its visitor on the first, an operator on the
/// second.
#[derive(Debug)]
pub struct Dialogue {
    chats: [Chat; 2],
    /// Who is connected to them.
    pub people: [Person; 2],
    id: ConversationId,
    /// The highest position of the conversation.
    pub head: u64,
}

impl Dialogue {
    /// The visitor has opened the conversation, and both listen.
    pub async fn begin(chats: [Chat; 2]) -> Self {
        let [here, there] = &chats;
        let tenant = Tenant::new(here, "Acme").await;
        let visitor = tenant.visitor().await;
        let opened = here.open(&visitor, opening("one")).await.expect("it is opened");
        let id = opened.conversation.view.conversation.id;
        let operator = Principal::operator(tenant.id, tenant.anna.id, tenant.anna.role);
        let mut people = [Person::connect(here, visitor).await, Person::connect(there, operator).await];
        for person in &mut people {
            person.subscribe(id, Some(0)).await;
            person.find(|frame| frame["type"] == "event" && frame["seq"] == 1).await;
            person.seen.clear();
        }
        Self { chats, people, id, head: 1 }
    }

    /// The visitor or the operator says something, each at its own node, as fast as one may.
    pub async fn say(&mut self, who: usize) {
        let principal = &self.people[who].principal;
        while let Err(error) = self.chats[who].post(principal, self.id, message("a word")).await {
            let Error::RateLimited { retry_after } = error else { panic!("it is not said: {error}") };
            sleep(retry_after).await;
        }
        self.head += 1;
    }

    /// Both hear all that has been said after this position, in order and each once.
    pub async fn all_is_heard(&mut self, from: u64) {
        for person in &mut self.people {
            let last = person.find(|frame| frame["type"] == "event" && frame["seq"] == self.head).await;
            let mut frames = std::mem::take(&mut person.seen);
            frames.push(last);
            let heard = Person::seqs(&frames, self.id);
            assert!(heard.iter().copied().eq(from + 1..=self.head), "{heard:?} up to {}", self.head);
        }
    }

    /// Until somebody hears what has been said last.
    pub async fn heard_by(&mut self, who: usize) {
        let head = self.head;
        self.people[who].find(|frame| frame["type"] == "event" && frame["seq"] == head).await;
    }
}
