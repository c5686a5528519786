//! People who talk while something befalls the database or a server, and the account of it afterwards.

use std::time::Duration;

use convor_tests::patience::PATIENCE;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use uuid::Uuid;

use crate::api::{Api, text};
use crate::follower::{Follower, Seen};
use crate::log::Log;
use crate::node::{Broker, Node};
use crate::progress::{Progress, Tally, Who};
use crate::report::Outcome;
use crate::way::{Fate, Way};
use crate::writer::{Acknowledged, Speech, over_http, over_socket};

/// Between two messages of a visitor: within what one person may say in a minute.
const PACE: Duration = Duration::from_millis(100);

/// Who talks, and how.
#[derive(Debug, Clone, Copy)]
struct Company {
    /// How many, each in a conversation of its own. One operator answers in all of them.
    visitors: usize,
    /// Characters of a message.
    length: usize,
    /// Between two answers of the operator.
    pace: Duration,
    /// How many messages each of them says more when the talk is waited for.
    more: usize,
    fate: Fate,
}

/// Few people who keep to what they may say.
const FEW: Company = Company { visitors: 3, length: 20, pace: PACE, more: 2, fate: Fate::Stay };

/// More, and an operator who answers each of them as often as they write.
const MANY: Company =
    Company { visitors: 5, length: 200, pace: Duration::from_millis(20), more: 10, fate: Fate::Stay };

/// A talk that goes on until it is ended.
#[derive(Debug)]
pub(crate) struct Talk {
    /// The first serves the visitors, the last the operators, unless they go where they are served.
    pub(crate) nodes: Vec<Node>,
    operators: Api,
    operator: String,
    visitors: Vec<JoinHandle<(Vec<Acknowledged>, Follower)>>,
    answering: JoinHandle<Vec<Acknowledged>>,
    following: JoinHandle<Follower>,
    conversations: Vec<Conversation>,
    progress: Progress,
    more: usize,
    /// How long it took to go on after the trouble.
    recovered: Duration,
}

/// A conversation, and its visitor's token.
#[derive(Debug)]
struct Conversation {
    id: String,
    visitor: String,
}

impl Talk {
    /// A talk over one server on this database.
    pub(crate) async fn on(storage: &str) -> Self {
        Self::over(vec![Node::alone(storage).await], FEW).await
    }

    /// A talk of long messages, which soon need room that the database does not have yet.
    pub(crate) async fn at_length(storage: &str) -> Self {
        Self::over(vec![Node::alone(storage).await], Company { length: 1_500, ..FEW }).await
    }

    /// A talk in which visitors and operators are served by different servers on this database.
    pub(crate) async fn on_two_nodes(storage: &str, broker: &Broker, fate: Fate) -> Self {
        Self::on_two_nodes_with(storage, [broker.clone(), broker.clone()], fate).await
    }

    /// The same with a broker for the visitors' server and one for the operators'.
    pub(crate) async fn on_two_nodes_with(storage: &str, brokers: [Broker; 2], fate: Fate) -> Self {
        let [visitors, operators] = &brokers;
        let first = Node::of_several(storage, visitors, true).await;
        let nodes = vec![first, Node::of_several(storage, operators, false).await];
        Self::over(nodes, Company { fate, ..MANY }).await
    }

    async fn over(nodes: Vec<Node>, company: Company) -> Self {
        let Company { visitors: count, length, pace, more, fate } = company;
        let addresses: Vec<_> = nodes.iter().map(Node::address).collect();
        let (first, last) = (addresses[0], addresses[addresses.len() - 1]);
        // Who is sent away by a server that ends goes to the other one; where servers die, each is waited for.
        let way = |own| match fate {
            Fate::Restart => Way::to(&[&[own][..], &addresses].concat(), fate),
            Fate::Stay | Fate::Die => Way::to(&[own], fate),
        };
        // Before anything befalls them they all stay.
        let [near, far] = [first, last].map(|address| Api::new(Way::to(&[address], Fate::Stay)));
        let operators = Api::new(way(last));
        let tenant = nodes[0].tenant.as_ref().expect("the first makes one up");
        let account = tenant.operator("owner");
        let operator = far.sign_in(&tenant.tenant_key, &account.email, account.password()).await;
        let progress = Progress::of(count);
        let speech =
            |writer, pace| Speech { writer, text: "x".repeat(length), pace, progress: progress.clone() };

        let (mut conversations, mut opened, mut visitors) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..count {
            let visitor = near.register(&tenant.site_key).await;
            let body = json!({"client_id": Uuid::from_u64_pair(0, number as u64)});
            let answer = near.post("/v1/conversations", Some(&visitor), &body).await.expect("a conversation");
            let (conversation, id) = (&answer["conversation"], text(&answer["conversation"]["id"]));
            let all = std::slice::from_ref(conversation);
            let follower = Follower::new(number, way(first), visitor.clone(), all, progress.clone());
            visitors.push(tokio::spawn(over_socket(speech(number, PACE), follower, id.clone())));
            opened.push(conversation.clone());
            conversations.push(Conversation { id, visitor });
        }
        let ids = conversations.iter().map(|conversation| conversation.id.clone()).collect();
        let answering = over_http(speech(count, pace), operators.clone(), operator.clone(), ids);
        let follower = Follower::new(count, way(last), operator.clone(), &opened, progress.clone());
        Self {
            visitors,
            answering: tokio::spawn(answering),
            following: tokio::spawn(follow(follower, progress.clone())),
            nodes,
            operators,
            operator,
            conversations,
            progress,
            more,
            recovered: Duration::ZERO,
        }
    }

    /// Waits until everybody who writes has said something more.
    pub(crate) async fn goes_on(&self) {
        let before = self.progress.now().acknowledged;
        let more =
            |now: &Tally| now.acknowledged.iter().zip(&before).all(|(now, then)| *now >= then + self.more);
        self.progress.until("everybody is heard", more).await;
    }

    /// Waits until everybody hears what everybody says from now on.
    pub(crate) async fn is_heard(&self) {
        let said = self.progress.now().acknowledged;
        self.progress.until("everybody hears everybody", |now| now.all_hear_more_than(&said)).await;
    }

    /// Lets these say nothing for now, and the others talk.
    pub(crate) async fn silence(&self, who: Who) {
        self.progress.silence(who).await;
    }

    /// Waits until these have heard all that has been acknowledged, though nothing comes after it that could tell them.
    pub(crate) async fn is_all_heard_by(&self, who: Who) {
        self.progress.until("what was said last is heard", |now| now.have_heard_all(who)).await;
    }

    /// Nobody says anything until everybody has heard what was said last.
    pub(crate) async fn falls_silent(&self) {
        self.silence(Who::Everybody).await;
        self.is_all_heard_by(Who::Everybody).await;
        self.silence(Who::Nobody).await;
    }

    /// Waits until somebody is refused something.
    pub(crate) async fn is_troubled(&self) {
        let before = self.progress.now().troubles();
        self.progress.until("somebody is refused something", |now| now.troubles() > before).await;
    }

    /// Waits until everybody is heard again, and remembers how long that takes.
    pub(crate) async fn recovers(&mut self) {
        let before = self.progress.now().acknowledged;
        let heard = |now: &Tally| now.acknowledged.iter().zip(&before).all(|(now, then)| now > then);
        self.recovered = timed(self.progress.until("everybody is heard again", heard)).await;
        self.goes_on().await;
    }

    /// Repairs something, and waits until everybody hears what everybody says from then on and all servers are as they
    /// should be; remembers how long that takes, where it is done more than once the longest of it.
    pub(crate) async fn heals(&mut self, repair: impl AsyncFnOnce(&mut Vec<Node>)) {
        let said = self.progress.now().acknowledged;
        let (nodes, progress) = (&mut self.nodes, &self.progress);
        let healing = timed(async {
            repair(nodes).await;
            progress.until("everybody hears everybody", |now| now.all_hear_more_than(&said)).await;
            for node in nodes.iter() {
                node.is_sound().await;
            }
        });
        self.recovered = healing.await.max(self.recovered);
        self.goes_on().await;
    }

    /// Ends the talk, and gives an account of it: what was acknowledged, and what there is.
    pub(crate) async fn end(self) -> Outcome {
        self.progress.is_to_end();
        let mut said = finished(self.answering).await;
        let mut operator = finished(self.following).await;
        let mut outcome = Outcome { recovered: self.recovered, ..Outcome::default() };
        let mut followers = Vec::new();
        for (conversation, visitor) in self.conversations.iter().zip(self.visitors) {
            let (spoken, mut visitor) = finished(visitor).await;
            said.extend(spoken);
            let log = Log::read(&self.operators, &self.operator, &conversation.id).await;
            operator.catch_up(&conversation.id, log.seq()).await;
            let path = format!("/v1/conversations/{}", conversation.id);
            let seen = self.operators.find(&path, &conversation.visitor).await;
            visitor.catch_up(&conversation.id, seen["conversation"]["seq"].as_u64().expect("a number")).await;
            let said = said.iter().filter(|said| said.conversation == conversation.id);
            said.for_each(|said| log.holds(said));
            outcome.stored += log.messages().count();
            outcome.gaps += log.gaps();
            outcome.duplicates += log.duplicates();
            followers.push(visitor.account);
        }
        followers.push(operator.account);
        for account in followers {
            outcome.delivered += account.messages;
            outcome.gaps += account.gaps;
            outcome.duplicates += account.repeated;
        }
        outcome.acknowledged = said.len();
        // A server that ends waits for those who are still there.
        drop(operator);
        for mut node in self.nodes {
            node.end().await;
        }
        outcome
    }
}

async fn follow(mut follower: Follower, progress: Progress) -> Follower {
    let mut over = std::pin::pin!(progress.is_ended());
    loop {
        tokio::select! {
            () = &mut over => return follower,
            Seen::Frame(_) | Seen::Back = follower.next() => {}
        }
    }
}

async fn finished<T>(task: JoinHandle<T>) -> T {
    timeout(PATIENCE, task).await.expect("everybody ends in time").expect("nobody panics")
}

#[expect(clippy::disallowed_methods, reason = "how long it takes is written down, and decides nothing")]
async fn timed(work: impl Future<Output = ()>) -> Duration {
    let start = std::time::Instant::now();
    work.await;
    start.elapsed()
}
