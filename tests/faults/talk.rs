//! People who talk while something befalls the database, and the account of it afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use convor_tests::patience::PATIENCE;
use convor_tests::server::Server;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use uuid::Uuid;

use crate::api::{Api, text};
use crate::follower::{Follower, Seen};
use crate::report::Outcome;
use crate::writer::{Acknowledged, Speech, over_http, over_socket};

/// How many visitors talk, each in a conversation of its own. One operator answers in all of them.
const VISITORS: usize = 3;

/// How many messages each writer says more when the talk is waited for.
const MESSAGES: usize = 2;

/// A talk that goes on until it is ended.
#[derive(Debug)]
pub(crate) struct Talk {
    /// The first serves the visitors, the last the operators.
    servers: Vec<Server>,
    operators: Api,
    operator: String,
    visitors: Vec<JoinHandle<(Vec<Acknowledged>, Follower)>>,
    answering: JoinHandle<Vec<Acknowledged>>,
    following: JoinHandle<Follower>,
    conversations: Vec<Conversation>,
    progress: Progress,
    /// How long it took to go on after the trouble.
    recovered: Duration,
}

/// A conversation, and its visitor's token.
#[derive(Debug)]
struct Conversation {
    id: String,
    visitor: String,
}

/// What has happened so far, for everybody who takes part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<watch::Sender<Tally>>);

#[derive(Debug, Default)]
struct Tally {
    /// How many messages of each writer.
    acknowledged: [usize; VISITORS + 1],
    /// How often each code was met.
    refused: BTreeMap<String, usize>,
    over: bool,
}

impl Talk {
    /// A talk over one server on this database.
    pub(crate) async fn on(storage: &str) -> Self {
        Self::over(vec![serve(storage, true).await], 20).await
    }

    /// A talk of long messages, which soon need room that the database does not have yet.
    pub(crate) async fn at_length(storage: &str) -> Self {
        Self::over(vec![serve(storage, true).await], 1_500).await
    }

    /// A talk in which visitors and operators are served by different servers.
    pub(crate) async fn on_two_servers(storage: &str) -> Self {
        Self::over(vec![serve(storage, true).await, serve(storage, false).await], 20).await
    }

    async fn over(servers: Vec<Server>, length: usize) -> Self {
        let address = |server: Option<&Server>| server.expect("there is a server").announced.listen;
        let (near, operators) = (Api::new(address(servers.first())), Api::new(address(servers.last())));
        let tenant = servers[0].tenant();
        let account = tenant.operator("owner");
        let operator = operators.sign_in(&tenant.tenant_key, &account.email, account.password()).await;
        let progress = Progress::default();
        let speech = |writer| Speech { writer, text: "x".repeat(length), progress: progress.clone() };

        let (mut conversations, mut opened, mut visitors) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..VISITORS {
            let visitor = near.register(&tenant.site_key).await;
            let body = json!({"client_id": Uuid::from_u64_pair(0, number as u64)});
            let answer = near.post("/v1/conversations", Some(&visitor), &body).await.expect("a conversation");
            let (conversation, id) = (&answer["conversation"], text(&answer["conversation"]["id"]));
            let all = std::slice::from_ref(conversation);
            let follower = Follower::new(near.address, visitor.clone(), all, progress.clone());
            visitors.push(tokio::spawn(over_socket(speech(number), follower, id.clone())));
            opened.push(conversation.clone());
            conversations.push(Conversation { id, visitor });
        }
        let ids = conversations.iter().map(|conversation| conversation.id.clone()).collect();
        let answering = over_http(speech(VISITORS), operators.clone(), operator.clone(), ids);
        let follower = Follower::new(operators.address, operator.clone(), &opened, progress.clone());
        Self {
            visitors,
            answering: tokio::spawn(answering),
            following: tokio::spawn(follow(follower, progress.clone())),
            servers,
            operators,
            operator,
            conversations,
            progress,
            recovered: Duration::ZERO,
        }
    }

    /// Waits until everybody who writes has said something more.
    pub(crate) async fn goes_on(&self) {
        let before = self.progress.0.borrow().acknowledged;
        let more =
            |now: &Tally| now.acknowledged.iter().zip(before).all(|(now, then)| *now >= then + MESSAGES);
        self.progress.until("everybody is heard", more).await;
    }

    /// Waits until somebody has been refused something.
    pub(crate) async fn is_troubled(&self) {
        let refused = |now: &Tally| now.refused.keys().any(|code| code != "rate_limited");
        self.progress.until("somebody is refused something", refused).await;
    }

    /// Waits until everybody is heard again, and remembers how long that takes.
    pub(crate) async fn recovers(&mut self) {
        let progress = self.progress.clone();
        let before = progress.0.borrow().acknowledged;
        let heard = |now: &Tally| now.acknowledged.iter().zip(before).all(|(now, then)| *now > then);
        self.recovered = timed(progress.until("everybody is heard again", heard)).await;
        self.goes_on().await;
    }

    /// Ends the talk, and gives an account of it: what was acknowledged, and what there is.
    pub(crate) async fn end(self) -> Outcome {
        self.progress.0.send_modify(|tally| tally.over = true);
        let mut said = finished(self.answering).await;
        let mut operator = finished(self.following).await;
        let mut outcome = Outcome { recovered: self.recovered, ..Outcome::default() };
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
            outcome.gaps += log.gaps() + visitor.gaps;
            outcome.duplicates += log.duplicates();
        }
        outcome.gaps += operator.gaps;
        outcome.acknowledged = said.len();
        for server in self.servers {
            server.terminate();
            let ended = server.ended().await;
            assert!(ended.status.success() && !ended.log.contains("panicked"), "{}", ended.status);
        }
        outcome
    }
}

/// The events of a conversation, as staff read them.
struct Log(Vec<Value>);

impl Log {
    async fn read(api: &Api, token: &str, conversation: &str) -> Self {
        let mut log = Self(Vec::new());
        loop {
            let after = log.seq();
            let path = format!("/v1/conversations/{conversation}/events?after={after}&limit=200");
            let page = api.find(&path, token).await;
            log.0.extend(page["data"].as_array().expect("a list").iter().cloned());
            if log.seq() == after {
                return log;
            }
        }
    }

    /// The last position.
    fn seq(&self) -> u64 {
        self.0.last().and_then(|event| event["seq"].as_u64()).unwrap_or(0)
    }

    fn messages(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(|event| event["kind"] == "message")
    }

    /// How many positions are not what follows the one before.
    fn gaps(&self) -> usize {
        (1u64..).zip(&self.0).filter(|(seq, event)| event["seq"].as_u64() != Some(*seq)).count()
    }

    fn duplicates(&self) -> usize {
        let ids: BTreeSet<_> = self.messages().map(|event| text(&event["message"]["client_id"])).collect();
        self.messages().count() - ids.len()
    }

    /// What was acknowledged stands where the acknowledgement said.
    fn holds(&self, said: &Acknowledged) {
        let event = self.messages().find(|event| event["seq"].as_u64() == Some(said.seq));
        let event = event.unwrap_or_else(|| panic!("{said:?} was acknowledged and is not there"));
        let message = &event["message"];
        let ids = (text(&message["id"]), text(&message["client_id"]));
        assert_eq!(ids, (said.message_id.clone(), said.client_id.clone()), "{said:?}");
    }
}

impl Progress {
    pub(crate) fn acknowledged(&self, writer: usize) {
        self.0.send_modify(|tally| tally.acknowledged[writer] += 1);
    }

    pub(crate) fn refused(&self, code: &str) {
        self.0.send_modify(|tally| *tally.refused.entry(code.to_owned()).or_default() += 1);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.borrow().over
    }

    async fn until(&self, what: &str, is: impl Fn(&Tally) -> bool + Send + Sync) {
        let mut tally = self.0.subscribe();
        let reached = timeout(PATIENCE, tally.wait_for(|tally| is(tally))).await.is_ok();
        assert!(reached, "in vain waited for this: {what}; so far {:?}", *self.0.borrow());
    }
}

async fn serve(storage: &str, demo: bool) -> Server {
    let demo = if demo { &["--demo"][..] } else { &[] };
    Server::start(&[&["--storage", storage], demo].concat()).await
}

async fn follow(mut follower: Follower, progress: Progress) -> Follower {
    let mut tally = progress.0.subscribe();
    loop {
        tokio::select! {
            _ = tally.wait_for(|tally| tally.over) => return follower,
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
