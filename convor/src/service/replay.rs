//! What a client that comes back has missed, read and encoded once for all who miss the same.

use std::sync::Arc;

use crate::domain::{Audience, Event, Heads};
use crate::error::Error;
use crate::hub::TopicKey;
use crate::ids::VisitorId;
use crate::ports::Frame;
use crate::ports::storage::Window;

use super::arrivals::ReadTurn;
use super::publish::event_frame;
use super::{Chat, Coalesced};

/// How many events one read fetches.
const PAGE: usize = 100;

/// Reads that many clients may need at the same time.
pub(super) type Replays = Coalesced<(TopicKey, Audience, Window), Result<Arc<Replay>, Error>>;

/// A part of a conversation's log, as an audience sees it.
#[derive(Debug)]
pub(crate) struct Replay {
    /// Whose conversation it is.
    pub(crate) visitor: VisitorId,
    /// The positions of the last events.
    pub(crate) heads: Heads,
    /// The positions up to which events have been removed.
    pub(crate) floor: Heads,
    /// The lifetime of the positions.
    pub(crate) epoch: u32,
    /// The events' frames, with their positions in the audience's numbering.
    pub(crate) frames: Vec<(u64, Frame)>,
}

impl Chat {
    /// Reads a part of a log as it is after this call: of [`Window::Latest`] the last event only.
    pub(crate) async fn replay(
        &self,
        key: TopicKey,
        audience: Audience,
        window: Window,
    ) -> Result<Arc<Replay>, Error> {
        let read = |turn| self.read_replay(turn, key, audience, window);
        self.inner.replays.read((key, audience, window), self.read_turn(key.0), read).await?
    }

    async fn read_replay(
        &self,
        turn: ReadTurn<'_>,
        (tenant, conversation): TopicKey,
        audience: Audience,
        window: Window,
    ) -> Result<Arc<Replay>, Error> {
        let limit = if window == Window::Latest { 1 } else { PAGE };
        let events = self.storage().events();
        let page = self.within(events.page(tenant, conversation, audience, window, limit)).await;
        drop(turn);
        let page = page?.ok_or(Error::NotFound)?;
        let names = self.names(tenant, &page.events).await?;
        let frame = |event: &Event| Some((event.seq(audience)?, event_frame(event, audience, &names)?));
        let frames = page.events.iter().filter_map(frame).collect();
        let (visitor, heads, floor, epoch) = (page.visitor, page.heads, page.floor, page.epoch);
        Ok(Arc::new(Replay { visitor, heads, floor, epoch, frames }))
    }
}
