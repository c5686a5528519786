//! From what a client holds to what happens now, without a hole.

use std::sync::Arc;

use crate::domain::{Audience, Principal};
use crate::error::Error;
use crate::hub::{Connection, Live};
use crate::ids::ConversationId;
use crate::ports::storage::Window;
use crate::ports::{Close, Frame};
use crate::protocol::{ServerFrame, encode};
use crate::service::{Chat, Replay};

/// How often a client may find that more has happened while it was reading, before it is sent away to come back.
const ROUNDS_MAX: usize = 1_000;

/// What a client holds of a conversation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// It asks for what happens from now on.
    Head,
    /// It holds everything up to a position.
    After {
        /// In which lifetime of the positions, if it said so.
        epoch: Option<u32>,
        /// Up to which.
        after: u64,
    },
}

/// Subscribes `connection` to a conversation: sends what it misses, or `reset`, and lets it hear what happens from then
/// on. The log is read until the connection's position has reached the topic's, so nothing falls between the two.
pub(crate) async fn catch_up(
    chat: &Chat,
    connection: &Arc<Connection>,
    conversation: ConversationId,
    start: Start,
    reference: Option<&str>,
) -> Result<(), Error> {
    let key = (connection.principal().tenant(), conversation);
    let was_live = chat.hub().enter(key, connection);
    let caught_up = read_and_go_live(chat, connection, conversation, start, reference).await;
    if caught_up.is_err() {
        chat.hub().leave(key, connection);
        if was_live {
            // It has missed what was said meanwhile, and knows where it stands better than this node does.
            connection.close(Close::PositionLost);
        }
    }
    caught_up
}

async fn read_and_go_live(
    chat: &Chat,
    connection: &Arc<Connection>,
    conversation: ConversationId,
    start: Start,
    reference: Option<&str>,
) -> Result<(), Error> {
    let audience = connection.principal().audience();
    let window = match start {
        Start::Head => Window::Latest,
        Start::After { after, .. } => Window::After(after),
    };
    let mut part = read(chat, connection, conversation, window).await?;
    let head = part.heads.of(audience);
    if let Some(reference) = reference {
        let (seq, epoch) = (Some(head), Some(part.epoch));
        let conversation = Some(conversation);
        say(connection, &ServerFrame::Subscribed { r#ref: reference, conversation, inbox: None, seq, epoch })
            .await?;
    }
    let mut cursor = match start {
        Start::Head => head,
        Start::After { epoch, after } if is_resumable(chat, &part, audience, epoch, after) => {
            send_events(connection, &part).await?.unwrap_or(after)
        }
        Start::After { .. } => reset(connection, conversation, &part).await?,
    };
    let key = (connection.principal().tenant(), conversation);
    for _ in 0..ROUNDS_MAX {
        if cursor >= part.heads.of(audience) {
            match chat.hub().go_live(key, connection.id(), cursor, (part.heads, part.epoch)) {
                Live::Yes | Live::Gone => return Ok(()),
                Live::OtherEpoch => break,
                Live::Behind => {}
            }
        }
        let next = read(chat, connection, conversation, Window::After(cursor)).await?;
        if next.epoch != part.epoch {
            break;
        }
        part = next;
        cursor = if cursor < part.floor.of(audience) {
            // What comes next has been purged while it was reading.
            reset(connection, conversation, &part).await?
        } else {
            send_events(connection, &part).await?.unwrap_or(cursor)
        };
    }
    connection.close(Close::PositionLost);
    Ok(())
}

fn is_resumable(chat: &Chat, part: &Replay, audience: Audience, epoch: Option<u32>, after: u64) -> bool {
    let head = part.heads.of(audience);
    let same_epoch = epoch.is_none_or(|epoch| epoch == part.epoch);
    let missing = head.checked_sub(after);
    same_epoch
        && after >= part.floor.of(audience)
        && missing.is_some_and(|missing| missing <= chat.limits().resume_events_max)
}

/// Reads a part of the log, if the principal is a member.
async fn read(
    chat: &Chat,
    connection: &Connection,
    conversation: ConversationId,
    window: Window,
) -> Result<Arc<Replay>, Error> {
    let principal = connection.principal();
    let part = chat.replay((principal.tenant(), conversation), principal.audience(), window).await?;
    match principal {
        Principal::Visitor { visitor, .. } if visitor != part.visitor => Err(Error::NotFound),
        _ => Ok(part),
    }
}

/// Says that what the client holds is not a prefix of the log, and answers the position after which it hears on.
async fn reset(connection: &Connection, conversation: ConversationId, part: &Replay) -> Result<u64, Error> {
    let head = part.heads.of(connection.principal().audience());
    let (conversation, epoch, seq) = (Some(conversation), Some(part.epoch), Some(head));
    say(connection, &ServerFrame::Reset { conversation, inbox: None, epoch, seq }).await?;
    Ok(head)
}

/// Sends a part's events, and answers the position of the last.
async fn send_events(connection: &Connection, part: &Replay) -> Result<Option<u64>, Error> {
    for (_, frame) in &part.frames {
        send(connection, frame.clone()).await?;
    }
    Ok(part.frames.last().map(|(seq, _)| *seq))
}

async fn say(connection: &Connection, frame: &ServerFrame<'_>) -> Result<(), Error> {
    send(connection, Frame::event(encode(frame))).await
}

/// Sends what the client has asked for, at the client's speed. A connection that is closing needs nothing more.
async fn send(connection: &Connection, frame: Frame) -> Result<(), Error> {
    connection.transport().send(frame).await.map_err(|_| Error::Unavailable)
}
