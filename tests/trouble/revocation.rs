//! Who has signed out, or whose time is over, is gone: on this node and on all others.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use convor::credentials::Token;
use convor::ids::SessionId;
use convor::ports::storage::Window;
use convor::ports::{Authenticated, Authenticator, Close};
use convor::{ChatBuilder, Error, Limits, async_trait};
use convor_tests::fixture::{Tenant, new_id};
use convor_tests::hooked::Side::{After, Before};
use convor_tests::hooked::{every, next};
use convor_tests::person::Person;
use serde_json::json;
use uuid::Uuid;

use crate::socket::{Socket, anna_signs_in};
use crate::world::{Cluster, MINUTE, SECOND, World, alone, alone_with, asked, pass};

/// How long a node may take to obey, and a little more.
fn obedience() -> Duration {
    Limits::default().control_lag_max + 2 * SECOND
}

fn short_sessions() -> Limits {
    let mut limits = Limits::default();
    limits.session_lifetime = MINUTE;
    limits
}

#[tokio::test(start_paused = true)]
async fn a_socket_ends_with_its_session() {
    let (node, tenant) = alone_with(|builder| builder.limits(short_sessions())).await;
    let token = anna_signs_in(&tenant).await;
    let socket = Socket::welcomed(&node.chat, token.reveal()).await;
    pass(MINUTE - SECOND).await;
    assert_eq!(socket.end(), None);
    pass(2 * SECOND).await;
    assert_eq!(socket.end(), Some(Close::Revoked));
}

/// A host whose every ticket is this.
#[derive(Debug, Default)]
struct OneGuest(OnceLock<Authenticated>);

#[async_trait]
impl Authenticator for OneGuest {
    async fn authenticate(&self, _: &str) -> Result<Option<Authenticated>, Error> {
        Ok(self.0.get().copied())
    }
}

#[tokio::test(start_paused = true)]
async fn a_visitors_socket_ends_with_its_session_on_another_node_without_operators() {
    let guest = Arc::new(OneGuest::default());
    let own = |builder: ChatBuilder| builder.authenticator(Arc::clone(&guest) as _);
    let Cluster { here, there, tenant_here, .. } = Cluster::of(World::new(), own).await;
    let session: SessionId = new_id();
    guest.0.set(Authenticated::new(tenant_here.visitor().await).session(session)).expect("it is the first");
    let socket = Socket::welcomed(&there.chat, "a ticket").await;
    here.chat.end_session(tenant_here.id, session).await.expect("it is ended");
    pass(obedience()).await;
    assert_eq!(socket.end(), Some(Close::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_socket_ends_with_its_session_though_other_work_hangs() {
    let (node, tenant) = alone_with(|builder| builder.limits(short_sessions())).await;
    let token = anna_signs_in(&tenant).await;
    let socket = Socket::welcomed(&node.chat, token.reveal()).await;
    let _held = node.storage.hold(every("registry.due"), Before);
    pass(MINUTE + SECOND).await;
    assert_eq!(socket.end(), Some(Close::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_frame_after_the_end_of_its_session_does_nothing() {
    let (node, tenant) = alone_with(|builder| builder.limits(short_sessions())).await;
    let (visitor, id) = asked(&tenant).await;
    // It ends between two sweeps, which come with each full second.
    pass(SECOND / 2).await;
    let token = anna_signs_in(&tenant).await;
    let mut socket = Socket::welcomed(&node.chat, token.reveal()).await;
    pass(MINUTE - SECOND / 4).await;
    assert_eq!(socket.end(), None);
    tokio::time::advance(SECOND / 2).await;
    assert_eq!(socket.end(), None);
    let client_id: Uuid = new_id();
    socket
        .say(json!({"type": "send", "ref": "s", "conversation": id, "client_id": client_id, "text": "two"}))
        .await;
    assert_eq!(socket.end(), Some(Close::Revoked));
    let history = node.chat.history(&visitor, id, Window::After(0), None).await.expect("a page");
    assert_eq!(serde_json::to_value(history.object()).expect("JSON")["seq"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_closes_sockets_though_a_read_fails() {
    let (node, tenant) = alone().await;
    let token = anna_signs_in(&tenant).await;
    let socket = Socket::welcomed(&node.chat, token.reveal()).await;
    node.storage.fail(next("control.after"), Before);
    node.chat.sign_out(token.reveal()).await.expect("she is signed out");
    pass(obedience()).await;
    assert_eq!(socket.end(), Some(Close::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_ends_sockets_though_the_control_log_cannot_be_read() {
    let (node, tenant) = alone().await;
    let token = anna_signs_in(&tenant).await;
    let socket = Socket::welcomed(&node.chat, token.reveal()).await;
    node.storage.fail(every("control.after"), Before);
    node.chat.sign_out(token.reveal()).await.expect("she is signed out");
    pass(obedience()).await;
    assert!(socket.end().is_some());
    let back = Socket::hello(&node.chat, token.reveal()).await;
    assert_eq!(back.end(), Some(Close::Revoked));
}

/// The calls by which sessions end before their time.
const ENDINGS: [&str; 3] = ["accounts.end_session", "accounts.set_password", "control.append"];

/// Ends Anna's session, by this call.
async fn end_session(tenant: &Tenant, token: &Token, by: &str) -> Result<(), Error> {
    let chat = &tenant.chat;
    match by {
        "accounts.end_session" => chat.sign_out(token.reveal()).await,
        "accounts.set_password" => {
            chat.set_password(tenant.id, tenant.anna.id, "another long and good one").await
        }
        _ => {
            let session = chat.current_session(token.reveal()).await?;
            chat.end_session(tenant.id, session.id).await
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_perhaps_been_ended_has_no_sockets() {
    for call in ENDINGS {
        let (node, tenant) = alone().await;
        let token = anna_signs_in(&tenant).await;
        let socket = Socket::welcomed(&node.chat, token.reveal()).await;
        node.storage.fail(next(call), After);
        let refused = end_session(&tenant, &token, call).await.expect_err("the storage has not answered");
        assert_eq!(refused.code(), "unavailable");
        pass(obedience()).await;
        assert_eq!(socket.end(), Some(Close::Revoked), "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_end_nobody_waited_for_has_no_sockets() {
    for call in ENDINGS {
        let (node, tenant) = alone().await;
        let token = anna_signs_in(&tenant).await;
        let socket = Socket::welcomed(&node.chat, token.reveal()).await;
        let held = node.storage.hold(next(call), After);
        let ending = tokio::spawn(async move { end_session(&tenant, &token, call).await });
        held.reached().await;
        ending.abort();
        pass(obedience()).await;
        assert_eq!(socket.end(), Some(Close::Revoked), "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_is_obeyed_by_other_nodes_though_a_read_fails() {
    let Cluster { here, there, tenant_here, .. } = Cluster::new().await;
    let token = anna_signs_in(&tenant_here).await;
    let socket = Socket::welcomed(&there.chat, token.reveal()).await;
    there.storage.fail(next("control.after"), Before);
    here.chat.sign_out(token.reveal()).await.expect("she is signed out");
    pass(obedience()).await;
    assert_eq!(socket.end(), Some(Close::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_is_obeyed_by_nodes_that_hear_no_signal() {
    let Cluster { world, here, there, tenant_here, .. } = Cluster::new().await;
    let token = anna_signs_in(&tenant_here).await;
    let socket = Socket::welcomed(&there.chat, token.reveal()).await;
    world.broker.disconnect();
    pass(MINUTE).await;
    assert_eq!(socket.end(), None, "that there are no signals is no reason to end");
    here.chat.sign_out(token.reveal()).await.expect("she is signed out");
    pass(obedience()).await;
    assert_eq!(socket.end(), Some(Close::Revoked));
}

#[tokio::test(start_paused = true)]
async fn operators_come_back_when_it_cannot_be_confirmed_that_they_may_stay() {
    let Cluster { there, tenant_here, tenant_there, .. } = Cluster::new().await;
    let token = anna_signs_in(&tenant_here).await;
    let operator = Socket::welcomed(&there.chat, token.reveal()).await;
    let (visitor, _) = asked(&tenant_there).await;
    let mut person = Person::connect(&there.chat, visitor).await;
    there.storage.fail(every("registry.control_heads"), Before);
    there.storage.fail(every("control.after"), Before);
    pass(obedience()).await;
    assert_eq!(operator.end(), Some(Close::PositionLost));
    // A visitor's token cannot be revoked.
    person.settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_is_obeyed_though_other_tenants_control_logs_hang() {
    let Cluster { here, there, tenant_here, .. } = Cluster::new().await;
    let (mut tenants, mut others, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for name in ["B", "C", "D", "E", "F", "G", "H", "I"] {
        let other = Tenant::new(&there.chat, name).await;
        let token = anna_signs_in(&other).await;
        others.push(Socket::welcomed(&there.chat, token.reveal()).await);
        held.push(there.storage.hold(every("control.after").of(other.id), Before));
        tenants.push(other.id);
    }
    let token = anna_signs_in(&tenant_here).await;
    let socket = Socket::welcomed(&there.chat, token.reveal()).await;
    for other in &tenants {
        here.chat.end_session(*other, new_id()).await.expect("the log grows");
    }
    pass(3 * SECOND).await;
    here.chat.sign_out(token.reveal()).await.expect("she is signed out");
    pass(obedience()).await;
    assert_eq!(socket.end(), Some(Close::Revoked));
    assert!(others.iter().all(|other| other.end() == Some(Close::PositionLost)), "{others:?}");
}

/// Whether control logs have grown is asked for all tenants at once, and what has not grown is not read.
#[tokio::test(start_paused = true)]
async fn one_read_finds_the_control_logs_that_have_grown() {
    let Cluster { here, there, tenant_here, .. } = Cluster::new().await;
    let mut others = Vec::new();
    for name in ["B", "C", "D", "E"] {
        let token = anna_signs_in(&Tenant::new(&there.chat, name).await).await;
        others.push(Socket::welcomed(&there.chat, token.reveal()).await);
    }
    let token = anna_signs_in(&tenant_here).await;
    let socket = Socket::welcomed(&there.chat, token.reveal()).await;
    let reads = || {
        let storage = &there.storage;
        let logs = storage.count("control.after") + storage.count("control.head");
        (storage.count("registry.control_heads"), logs)
    };
    let (heads_before, logs_before) = reads();
    pass(MINUTE).await;
    let (heads, logs) = reads();
    let looks_max = MINUTE.as_millis() / (Limits::default().control_lag_max / 4).as_millis();
    assert!((1..=looks_max).contains(&(heads - heads_before).try_into().expect("a number of calls")));
    assert_eq!(logs, logs_before, "no log has grown");
    here.chat.sign_out(token.reveal()).await.expect("she is signed out");
    pass(obedience()).await;
    assert_eq!(socket.end(), Some(Close::Revoked));
    assert_eq!(reads().1, logs_before + 1, "one log has grown");
    assert!(others.iter().all(|other| other.end().is_none()), "{others:?}");
}

/// What one read has taken of the time, the other has not.
#[tokio::test(start_paused = true)]
async fn a_sign_out_ends_sockets_in_time_though_each_read_is_slow() {
    let Cluster { here, there, tenant_here, .. } = Cluster::new().await;
    let token = anna_signs_in(&tenant_here).await;
    let socket = Socket::welcomed(&there.chat, token.reveal()).await;
    there.storage.delay(every("registry.control_heads"), Before, SECOND);
    let _held = there.storage.hold(every("control.after"), Before);
    here.chat.sign_out(token.reveal()).await.expect("she is signed out");
    pass(obedience()).await;
    assert_eq!(socket.end(), Some(Close::PositionLost));
}

/// The look at many control logs at once saves reads; nobody goes because it fails.
#[tokio::test(start_paused = true)]
async fn control_logs_are_read_one_by_one_while_they_cannot_be_looked_at_together() {
    let Cluster { here, there, tenant_here, .. } = Cluster::new().await;
    let other = Tenant::new(&there.chat, "Bolt").await;
    let other = Socket::welcomed(&there.chat, anna_signs_in(&other).await.reveal()).await;
    let token = anna_signs_in(&tenant_here).await;
    let socket = Socket::welcomed(&there.chat, token.reveal()).await;
    there.storage.fail(every("registry.control_heads"), Before);
    pass(MINUTE).await;
    assert_eq!((socket.end(), other.end()), (None, None));
    here.chat.sign_out(token.reveal()).await.expect("she is signed out");
    pass(obedience()).await;
    assert_eq!((socket.end(), other.end()), (Some(Close::Revoked), None));
}

/// A log has time of its own to be read in, however long it took to find out that it has grown.
#[tokio::test(start_paused = true)]
async fn a_sign_out_is_obeyed_though_the_look_at_all_control_logs_takes_all_of_its_time() {
    let Cluster { here, there, tenant_here, .. } = Cluster::new().await;
    let token = anna_signs_in(&tenant_here).await;
    let socket = Socket::welcomed(&there.chat, token.reveal()).await;
    there.storage.delay(every("registry.control_heads"), Before, SECOND);
    there.storage.delay(every("control.after"), Before, SECOND / 2);
    here.chat.sign_out(token.reveal()).await.expect("she is signed out");
    pass(obedience()).await;
    assert_eq!(socket.end(), Some(Close::Revoked));
}

/// However many tenants one read asks about, all of them are asked about.
#[tokio::test(start_paused = true)]
async fn a_sign_out_is_obeyed_whatever_one_read_asks_about() {
    let mut limits = Limits::default();
    limits.control_heads_max = 2;
    let Cluster { here, there, tenant_here, .. } =
        Cluster::of(World::new(), |builder| builder.limits(limits.clone())).await;
    let mut sessions = Vec::new();
    for tenant in [tenant_here, Tenant::new(&here.chat, "B").await, Tenant::new(&here.chat, "C").await] {
        let token = anna_signs_in(&tenant).await;
        let socket = Socket::welcomed(&there.chat, token.reveal()).await;
        sessions.push((token, socket));
    }
    for (token, socket) in &sessions {
        here.chat.sign_out(token.reveal()).await.expect("she is signed out");
        pass(obedience()).await;
        assert_eq!(socket.end(), Some(Close::Revoked));
    }
}

/// The first connection of a tenant that has a session looks where its control log ends. However late that look is, what has been revoked
/// meanwhile is obeyed.
#[tokio::test(start_paused = true)]
async fn a_slow_first_look_at_the_control_log_skips_no_sign_out() {
    let Cluster { here, there, tenant_here, .. } = Cluster::new().await;
    let token = anna_signs_in(&tenant_here).await;
    let held = there.storage.hold(next("control.head"), Before);
    let (chat, first) = (there.chat.clone(), token.reveal().to_owned());
    let slow = tokio::spawn(async move { Socket::hello(&chat, &first).await });
    held.reached().await;
    let socket = Socket::welcomed(&there.chat, token.reveal()).await;
    here.chat.sign_out(token.reveal()).await.expect("she is signed out");
    held.release();
    let slow = slow.await.expect("no panic");
    pass(obedience()).await;
    assert_eq!((socket.end(), slow.end()), (Some(Close::Revoked), Some(Close::Revoked)));
}
