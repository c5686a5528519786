//! What listeners hear is a prefix of the log, whatever happens in between.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::{Batch, Connection, Hub, Live, Outlet, Placed, TopicKey};
use crate::config::Limits;
use crate::domain::{Audience, Heads, Position, Principal, Role};
use crate::ids::ConnectionId;
use crate::ports::{Authenticated, Close, Frame, Transport};

fn key() -> TopicKey {
    (Uuid::from_u128(1).into(), Uuid::from_u128(2).into())
}

struct Listener {
    connection: Arc<Connection>,
    outlet: Arc<Outlet>,
}

impl Listener {
    fn new(hub: &Hub, number: u128, principal: Principal) -> Self {
        let outlet = Arc::new(Outlet::new(&Limits::default()));
        let transport: Arc<dyn Transport> = Arc::clone(&outlet) as _;
        let id: ConnectionId = Uuid::from_u128(number).into();
        let connection = Connection::new(id, Authenticated::new(principal), transport);
        hub.roster().add(&connection, &Limits::default());
        Self { connection, outlet }
    }

    fn staff(hub: &Hub, number: u128) -> Self {
        Self::new(hub, number, Principal::operator(key().0, Uuid::from_u128(number).into(), Role::Operator))
    }

    fn visitor(hub: &Hub) -> Self {
        Self::new(hub, 9, Principal::visitor(key().0, Uuid::from_u128(3).into(), Uuid::from_u128(9).into()))
    }

    fn live(self, hub: &Hub, cursor: u64, heads: Heads) -> Self {
        hub.enter(key(), &self.connection);
        assert_eq!(hub.go_live(key(), self.connection.id(), cursor, (heads, 1)), Live::Yes);
        self
    }

    async fn heard(&self) -> Vec<Bytes> {
        self.outlet.close(Close::Normal);
        let (mut batch, mut heard) = (Vec::new(), Vec::new());
        while self.outlet.next(&mut batch).await == Batch::Frames {
            heard.extend(batch.drain(..).map(|frame| frame.text));
        }
        heard
    }
}

fn heads(staff: u64, visitor: u64) -> Heads {
    Heads { staff, visitor }
}

fn publish(hub: &Hub, staff: u64, visitor: Option<u64>) {
    publish_in(hub, 1, staff, visitor);
}

fn publish_in(hub: &Hub, epoch: u32, staff: u64, visitor: Option<u64>) {
    let position = Position { staff, visitor };
    let frame = |prefix, seq: Option<u64>| seq.map(|seq| Frame::event(format!("{prefix}{seq}").into()));
    let (to_staff, to_visitor) = (frame('s', Some(staff)), frame('v', visitor));
    hub.publish(key(), Placed { position, epoch }, |audience| match audience {
        Audience::Staff => to_staff.as_ref(),
        Audience::Visitor => to_visitor.as_ref(),
    });
}

async fn stale(hub: &Hub) -> bool {
    let begun = tokio::time::timeout(std::time::Duration::ZERO, hub.begin_reread(1)).await;
    let is_stale = begun.is_ok_and(|(stale, _)| stale == key());
    hub.end_reread(key());
    is_stale
}

#[tokio::test]
async fn each_audience_hears_its_own_numbering() {
    let hub = Hub::default();
    let (staff, visitor) = (Listener::staff(&hub, 5), Listener::visitor(&hub));
    let (staff, visitor) = (staff.live(&hub, 0, heads(0, 0)), visitor.live(&hub, 0, heads(0, 0)));
    publish(&hub, 1, Some(1));
    publish(&hub, 2, None);
    publish(&hub, 3, Some(2));
    assert_eq!(staff.heard().await, ["s1", "s2", "s3"]);
    assert_eq!(visitor.heard().await, ["v1", "v2"]);
}

#[tokio::test]
async fn what_would_leave_a_gap_is_reread_and_what_is_old_is_ignored() {
    let hub = Hub::default();
    let staff = Listener::staff(&hub, 5).live(&hub, 1, heads(1, 1));
    publish(&hub, 3, Some(3));
    assert!(stale(&hub).await);
    publish(&hub, 2, Some(2));
    publish(&hub, 2, Some(2));
    publish(&hub, 3, Some(3));
    assert!(!stale(&hub).await);
    assert_eq!(staff.heard().await, ["s2", "s3"]);
}

#[tokio::test]
async fn who_catches_up_goes_live_only_at_the_topics_position() {
    let hub = Hub::default();
    let (first, late) = (Listener::staff(&hub, 5).live(&hub, 0, heads(0, 0)), Listener::staff(&hub, 6));
    hub.enter(key(), &late.connection);
    publish(&hub, 1, Some(1));
    assert_eq!(hub.go_live(key(), late.connection.id(), 0, (heads(0, 0), 1)), Live::Behind);
    assert_eq!(hub.go_live(key(), late.connection.id(), 1, (heads(1, 1), 1)), Live::Yes);
    publish(&hub, 2, Some(2));
    assert_eq!(late.heard().await, ["s2"]);
    assert_eq!(first.heard().await, ["s1", "s2"]);
}

#[tokio::test]
async fn what_is_published_while_everybody_catches_up_is_not_forgotten() {
    let hub = Hub::default();
    let only = Listener::staff(&hub, 5);
    hub.enter(key(), &only.connection);
    publish(&hub, 1, Some(1));
    assert_eq!(hub.go_live(key(), only.connection.id(), 0, (heads(0, 0), 1)), Live::Behind);
    assert_eq!(hub.go_live(key(), only.connection.id(), 1, (heads(1, 1), 1)), Live::Yes);
}

#[tokio::test]
async fn who_has_read_further_than_was_published_hears_nothing_twice() {
    let hub = Hub::default();
    let _first = Listener::staff(&hub, 5).live(&hub, 0, heads(0, 0));
    let ahead = Listener::staff(&hub, 6).live(&hub, 2, heads(2, 2));
    publish(&hub, 1, Some(1));
    publish(&hub, 2, Some(2));
    publish(&hub, 3, Some(3));
    assert_eq!(ahead.heard().await, ["s3"]);
}

#[tokio::test]
async fn a_turn_that_is_not_settled_makes_the_conversation_stale() {
    let hub = Hub::default();
    hub.turn(key()).await.settle();
    assert!(!stale(&hub).await);
    drop(hub.turn(key()).await);
    assert!(stale(&hub).await);
}

#[tokio::test]
async fn turns_come_one_after_the_other_and_leave_nothing_behind() {
    let hub = Hub::default();
    let first = hub.turn(key()).await;
    let mut second = Box::pin(hub.turn(key()));
    assert!(tokio::time::timeout(std::time::Duration::ZERO, &mut second).await.is_err());
    first.settle();
    second.await.settle();
    assert!(hub.turns.is_empty());
}

#[tokio::test]
async fn a_caller_who_stops_waiting_for_its_turn_leaves_nothing_behind() {
    let hub = Hub::default();
    let first = hub.turn(key()).await;
    let mut second = Box::pin(hub.turn(key()));
    assert!(tokio::time::timeout(std::time::Duration::ZERO, &mut second).await.is_err());
    first.settle();
    assert!(!hub.turns.is_empty());
    drop(second);
    assert!(hub.turns.is_empty());
}

#[tokio::test]
async fn who_has_left_hears_nothing_and_enters_nothing() {
    let hub = Hub::default();
    let gone = Listener::staff(&hub, 5).live(&hub, 0, heads(0, 0));
    assert!(hub.disconnect(&gone.connection), "it was the principal's last connection");
    hub.enter(key(), &gone.connection);
    assert!(!hub.enter_anew(key(), &gone.connection));
    assert!(!hub.topics.of(&key()).contains_key(&key()));
    publish(&hub, 1, Some(1));
    assert!(gone.heard().await.is_empty());
    assert!(!hub.roster().is_online(key().0, gone.connection.author()));
}

#[tokio::test]
async fn the_inbox_hears_what_a_conversations_listeners_have_read_themselves() {
    let hub = Hub::default();
    let desk = Listener::staff(&hub, 5);
    hub.roster().listen_to_inbox(&desk.connection);
    // Somebody subscribes between the commit of the first event and its publication.
    let reader = Listener::staff(&hub, 6).live(&hub, 1, heads(1, 1));
    publish(&hub, 1, Some(1));
    publish(&hub, 1, Some(1));
    publish(&hub, 2, Some(2));
    assert_eq!(desk.heard().await, ["s1", "s2"]);
    assert_eq!(reader.heard().await, ["s2"]);
}

#[tokio::test]
async fn another_epoch_sends_listeners_away() {
    let hub = Hub::default();
    let staff = Listener::staff(&hub, 5).live(&hub, 7, heads(7, 7));
    let late = Listener::staff(&hub, 6);
    hub.enter(key(), &late.connection);
    assert_eq!(hub.go_live(key(), late.connection.id(), 3, (heads(3, 3), 2)), Live::OtherEpoch);
    publish_in(&hub, 2, 4, Some(4));
    assert_eq!(staff.outlet.closed().await, Close::PositionLost);
}

#[tokio::test]
async fn the_inbox_hears_the_first_event_of_another_epoch() {
    let hub = Hub::default();
    let desk = Listener::staff(&hub, 5);
    hub.roster().listen_to_inbox(&desk.connection);
    let reader = Listener::staff(&hub, 6).live(&hub, 7, heads(7, 7));
    publish(&hub, 8, Some(8));
    publish_in(&hub, 2, 4, Some(4));
    publish_in(&hub, 2, 4, Some(4));
    assert_eq!(desk.heard().await, ["s8", "s4"], "also where positions begin anew below the old ones");
    assert_eq!(reader.outlet.closed().await, Close::PositionLost);
}

#[tokio::test]
async fn the_inbox_hears_what_comes_late_while_a_conversations_listeners_catch_up() {
    let hub = Hub::default();
    let (desk, late) = (Listener::staff(&hub, 5), Listener::staff(&hub, 6));
    hub.roster().listen_to_inbox(&desk.connection);
    hub.enter(key(), &late.connection);
    // Nodes do not wait for each other: what another one has stored first may be heard of last.
    for staff in [6, 5, 8, 7] {
        publish(&hub, staff, None);
    }
    let mut heard = desk.heard().await;
    heard.sort();
    heard.dedup();
    assert_eq!(heard, ["s5", "s6", "s7", "s8"]);
}

#[tokio::test]
async fn what_is_no_event_reaches_each_member_of_the_staff_once() {
    let hub = Hub::default();
    let (both, desk) = (Listener::staff(&hub, 5), Listener::staff(&hub, 6));
    for listener in [&both, &desk] {
        hub.roster().listen_to_inbox(&listener.connection);
    }
    let both = both.live(&hub, 0, heads(0, 0));
    let (member, visitor) = (Listener::staff(&hub, 7).live(&hub, 0, heads(0, 0)), Listener::visitor(&hub));
    let typing = Frame::droppable("t".into(), 1);
    let own = Uuid::from_u128(3).into();
    hub.tell_conversation(key(), own, (Some(&typing), None), |listener| {
        listener.id() == member.connection.id()
    });
    assert_eq!(both.heard().await, ["t"]);
    assert_eq!(desk.heard().await, ["t"]);
    assert!(member.heard().await.is_empty(), "it has said so itself");
    assert!(visitor.heard().await.is_empty());
}

#[tokio::test]
async fn s16_who_may_not_be_here_any_more_does_not_hear_what_waits() {
    let hub = Hub::default();
    for reason in [Close::Revoked, Close::Forbidden, Close::Erased] {
        let gone = Listener::staff(&hub, 5);
        gone.connection.offer(&Frame::event("waits".into()));
        gone.connection.close(reason);
        assert!(gone.heard().await.is_empty(), "{reason:?}");
    }
    let sent_away = Listener::staff(&hub, 6);
    sent_away.connection.offer(&Frame::event("waits".into()));
    sent_away.connection.close(Close::PositionLost);
    assert_eq!(sent_away.heard().await, ["waits"]);
}

#[tokio::test]
async fn s07_the_same_id_in_two_tenants_is_two_topics() {
    let hub = Hub::default();
    let here = Listener::staff(&hub, 5).live(&hub, 0, heads(0, 0));
    let other = Principal::operator(Uuid::from_u128(77).into(), Uuid::from_u128(5).into(), Role::Operator);
    let there = Listener::new(&hub, 6, other);
    let foreign = (other.tenant(), key().1);
    hub.enter(foreign, &there.connection);
    hub.go_live(foreign, there.connection.id(), 0, (heads(0, 0), 1));
    hub.roster().listen_to_inbox(&there.connection);
    publish(&hub, 1, Some(1));
    assert_eq!(here.heard().await, ["s1"]);
    assert!(there.heard().await.is_empty());
}
