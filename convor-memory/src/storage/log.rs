//! One conversation with its event log, and what is looked up in it.

use std::collections::HashMap;

use convor::domain::{
    Audience, Author, BodyDigest, Conversation, Event, EventKind, Heads, Message, Position, Status,
};
use convor::ids::ClientId;
use convor::ports::storage::{EventPage, NewMessage, ReadMove, Window};
use convor::time::Timestamp;

use super::EPOCH;

/// Unread messages are counted so far and no further.
const UNREAD_MAX: usize = 100;

/// One conversation with its event log. The event at the staff position `n` stands at the index `n - 1`.
pub(super) struct Log {
    pub(super) conversation: Conversation,
    events: Vec<Event>,
    /// The index of the event at each visitor position.
    visible: Vec<usize>,
    /// The indexes of the last message and of the last one that the visitor may see.
    last_message: Option<usize>,
    last_visible_message: Option<usize>,
    /// The staff positions of what the visitor has said, ascending.
    from_visitor: Vec<u64>,
    /// The visitor positions of what the other side has said to the visitor, ascending.
    from_staff: Vec<u64>,
    received: HashMap<(Author, ClientId), Received>,
    reads: HashMap<Author, Heads>,
    /// How far the operator has read who is furthest.
    read_by_operators: Heads,
}

/// A message that was received before. Its digest goes with its content when that is erased.
struct Received {
    digest: Option<BodyDigest>,
    index: usize,
}

/// What a repeat turns out to be.
pub(super) enum Repeat<'a> {
    /// The same request: its event.
    Same(&'a Event),
    /// Another one that uses the `client_id` again.
    Other,
}

impl Log {
    pub(super) fn new(conversation: Conversation) -> Self {
        Self {
            conversation,
            events: Vec::new(),
            visible: Vec::new(),
            last_message: None,
            last_visible_message: None,
            from_visitor: Vec::new(),
            from_staff: Vec::new(),
            received: HashMap::new(),
            reads: HashMap::new(),
            read_by_operators: Heads::default(),
        }
    }

    /// Whether somebody is a member: staff, or the one visitor.
    pub(super) fn admits(&self, author: Author) -> bool {
        !matches!(author, Author::Visitor(visitor) if visitor != self.conversation.visitor)
    }

    /// The message that this author has sent with this `client_id` before.
    pub(super) fn repeat(&self, author: Author, message: &NewMessage) -> Option<Repeat<'_>> {
        let received = self.received.get(&(author, message.client_id))?;
        let same = received.digest.is_none_or(|digest| digest == message.digest);
        Some(if same { Repeat::Same(&self.events[received.index]) } else { Repeat::Other })
    }

    /// Appends a message that is no repeat.
    pub(super) fn push_message(&mut self, author: Author, new: &NewMessage, at: Timestamp) -> Event {
        let message =
            Message { id: new.id, client_id: new.client_id, kind: new.kind, text: Some(new.text.clone()) };
        let event = self.push(author, EventKind::Message(message), at);
        let index = self.events.len() - 1;
        self.last_message = Some(index);
        if event.position.visitor.is_some() {
            self.last_visible_message = Some(index);
        }
        match (author, event.position.visitor) {
            (Author::Visitor(_), _) => self.from_visitor.push(event.position.staff),
            (_, Some(seq)) => self.from_staff.push(seq),
            (_, None) => {}
        }
        self.received.insert((author, new.client_id), Received { digest: Some(new.digest), index });
        event
    }

    /// Changes the status and appends the event that says so.
    pub(super) fn push_status(
        &mut self,
        by: Author,
        to: Status,
        snoozed_until: Option<Timestamp>,
        at: Timestamp,
    ) -> Event {
        let from = self.conversation.status;
        self.conversation.status = to;
        self.conversation.snoozed_until = snoozed_until;
        self.push(by, EventKind::Status { from, to, snoozed_until }, at)
    }

    /// Appends an event at the next position of each numbering in which it is seen.
    pub(super) fn push(&mut self, by: Author, kind: EventKind, at: Timestamp) -> Event {
        let conversation = &mut self.conversation;
        conversation.heads.staff += 1;
        conversation.updated_at.staff = conversation.updated_at.staff.max(at);
        let visible = kind.visible_to_visitor();
        if visible {
            conversation.heads.visitor += 1;
            conversation.updated_at.visitor = conversation.updated_at.visitor.max(at);
            self.visible.push(self.events.len());
        }
        let heads = conversation.heads;
        let position = Position { staff: heads.staff, visitor: visible.then_some(heads.visitor) };
        let event = Event { conversation: conversation.id, position, epoch: EPOCH, at, by, kind };
        self.events.push(event.clone());
        event
    }

    /// The event at a position in this numbering.
    fn event(&self, audience: Audience, seq: u64) -> Option<&Event> {
        let place = usize::try_from(seq).ok()?.checked_sub(1)?;
        match audience {
            Audience::Staff => self.events.get(place),
            Audience::Visitor => self.visible.get(place).map(|index| &self.events[*index]),
        }
    }

    /// The event of the first message, if the conversation began with one.
    pub(super) fn first(&self) -> Option<&Event> {
        self.event(Audience::Staff, 1).filter(|event| event.kind.message().is_some())
    }

    pub(super) fn page(&self, audience: Audience, window: Window, limit: usize) -> EventPage {
        let head = self.conversation.heads.of(audience);
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        // Positions from `first` up to and without `end`.
        let (first, end) = match window {
            Window::After(after) => {
                let first = after.saturating_add(1);
                (first, first.saturating_add(limit).min(head + 1))
            }
            Window::Before(before) => {
                let end = before.min(head + 1);
                (end.saturating_sub(limit).max(1), end)
            }
            Window::Latest => ((head + 1).saturating_sub(limit).max(1), head + 1),
        };
        EventPage {
            events: (first..end).filter_map(|seq| self.event(audience, seq)).cloned().collect(),
            visitor: self.conversation.visitor,
            heads: self.conversation.heads,
            floor: self.conversation.floor,
            epoch: self.conversation.epoch,
        }
    }

    /// Where the reader would stand after having read up to `seq`; `None` if that is not further than now.
    pub(super) fn advance(&self, reader: Author, audience: Audience, seq: u64) -> Option<ReadMove> {
        let event = self.event(audience, seq.min(self.conversation.heads.of(audience)))?;
        let staff = event.position.staff;
        let visitor = self.visible.partition_point(|index| self.events[*index].position.staff <= staff);
        let (from, to) = (self.read(reader), Heads { staff, visitor: count(visitor) });
        (to.staff > from.staff).then_some(ReadMove { visitor: self.conversation.visitor, from, to })
    }

    pub(super) fn set_read(&mut self, reader: Author, up_to: Heads) {
        self.reads.insert(reader, up_to);
        if matches!(reader, Author::Operator(_)) && up_to.staff > self.read_by_operators.staff {
            self.read_by_operators = up_to;
        }
    }

    /// How far somebody has read.
    pub(super) fn read(&self, reader: Author) -> Heads {
        self.reads.get(&reader).copied().unwrap_or_default()
    }

    /// How far the side has read that is not the reader's.
    pub(super) fn read_by_others(&self, reader: Author) -> Heads {
        match reader {
            Author::Visitor(_) => self.read_by_operators,
            _ => self.read(Author::Visitor(self.conversation.visitor)),
        }
    }

    /// How many messages of the other side stand above `read`.
    pub(super) fn unread(&self, audience: Audience, read: u64) -> u32 {
        let others = match audience {
            Audience::Staff => &self.from_visitor,
            Audience::Visitor => &self.from_staff,
        };
        let unread = others.len() - others.partition_point(|seq| *seq <= read);
        u32::try_from(unread.min(UNREAD_MAX)).unwrap_or(u32::MAX)
    }

    pub(super) fn last_message(&self, audience: Audience) -> Option<&Event> {
        let index = match audience {
            Audience::Staff => self.last_message,
            Audience::Visitor => self.last_visible_message,
        };
        index.map(|index| &self.events[index])
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
