//! One conversation with its event log, and what is looked up in it.

use std::collections::{HashMap, VecDeque};

use convor::domain::{
    Audience, Author, BodyDigest, Conversation, Event, EventKind, Heads, Message, Position, Status,
};
use convor::ids::ClientId;
use convor::ports::storage::{EventPage, NewMessage, ReadMove, Window};
use convor::time::Timestamp;

/// Unread messages are counted so far and no further.
const UNREAD_MAX: usize = 100;

/// One conversation with its event log, of which the beginning may be gone.
pub(super) struct Log {
    pub(super) conversation: Conversation,
    pub(super) opening: Opening,
    /// By their staff positions.
    events: VecDeque<Event>,
    /// Where the events that the visitor may see stand in each numbering.
    visible: VecDeque<Heads>,
    /// The staff positions of the last message and of the last one that the visitor may see.
    last_message: u64,
    last_visible_message: u64,
    /// The staff positions of what the visitor has said, ascending.
    from_visitor: VecDeque<u64>,
    /// The visitor positions of what the other side has said to the visitor, ascending.
    from_staff: VecDeque<u64>,
    received: HashMap<(Author, ClientId), Received>,
    reads: HashMap<Author, Heads>,
    /// How far the operator has read who is furthest.
    read_by_operators: Heads,
}

/// The request that opened a conversation. Its digest goes with its content when that is erased.
pub(super) struct Opening {
    pub(super) client_id: ClientId,
    pub(super) digest: Option<BodyDigest>,
    /// Whether it came with a message, which then has the first position.
    pub(super) with_message: bool,
}

/// A message that was received before. Its digest goes with its content when that is erased.
struct Received {
    digest: Option<BodyDigest>,
    position: u64,
}

/// What a repeat turns out to be.
pub(super) enum Repeat<'a> {
    /// The same request: its event.
    Same(&'a Event),
    /// Another one that uses the `client_id` again.
    Other,
}

impl Log {
    pub(super) fn new(conversation: Conversation, opening: Opening) -> Self {
        Self {
            conversation,
            opening,
            events: VecDeque::new(),
            visible: VecDeque::new(),
            last_message: 0,
            last_visible_message: 0,
            from_visitor: VecDeque::new(),
            from_staff: VecDeque::new(),
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
        if received.digest.is_some_and(|digest| digest != message.digest) {
            return Some(Repeat::Other);
        }
        self.event(Audience::Staff, received.position).map(Repeat::Same)
    }

    /// Appends a message that is no repeat.
    pub(super) fn push_message(&mut self, author: Author, new: &NewMessage, at: Timestamp) -> Event {
        let message =
            Message { id: new.id, client_id: new.client_id, kind: new.kind, text: Some(new.text.clone()) };
        let event = self.next(author, EventKind::Message(message), at);
        self.keep(event.clone(), Some(new.digest));
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

    /// Appends an event that is no message.
    pub(super) fn push(&mut self, by: Author, kind: EventKind, at: Timestamp) -> Event {
        let event = self.next(by, kind, at);
        self.keep(event.clone(), None);
        event
    }

    /// Puts an event back that stood above those that are here; `false` if it is here already, or has been purged.
    pub(super) fn restore(&mut self, event: &Event, digest: Option<BodyDigest>) -> bool {
        let last = self.events.back().map_or(self.conversation.floor.staff, |last| last.position.staff);
        let new = last < event.position.staff;
        if new {
            self.keep(event.clone(), digest);
        }
        new
    }

    /// The next event: it takes the next position of each numbering in which it is seen.
    fn next(&mut self, by: Author, kind: EventKind, at: Timestamp) -> Event {
        let conversation = &mut self.conversation;
        conversation.heads.staff += 1;
        conversation.updated_at.staff = conversation.updated_at.staff.max(at);
        let visible = kind.visible_to_visitor();
        if visible {
            conversation.heads.visitor += 1;
            conversation.updated_at.visitor = conversation.updated_at.visitor.max(at);
        }
        let heads = conversation.heads;
        let position = Position { staff: heads.staff, visitor: visible.then_some(heads.visitor) };
        Event { conversation: conversation.id, position, epoch: conversation.epoch, at, by, kind }
    }

    /// Keeps an event above all others, and what is looked up of it.
    fn keep(&mut self, event: Event, digest: Option<BodyDigest>) {
        let Position { staff, visitor } = event.position;
        if let Some(visitor) = visitor {
            self.visible.push_back(Heads { staff, visitor });
        }
        if let Some(message) = event.kind.message() {
            self.last_message = staff;
            if visitor.is_some() {
                self.last_visible_message = staff;
            }
            match (event.by, visitor) {
                (Author::Visitor(_), _) => self.from_visitor.push_back(staff),
                (_, Some(seq)) => self.from_staff.push_back(seq),
                (_, None) => {}
            }
            self.received.insert((event.by, message.client_id), Received { digest, position: staff });
        }
        self.events.push_back(event);
    }

    /// When the first event was stored that is still here.
    pub(super) fn begins_at(&self) -> Option<Timestamp> {
        self.events.front().map(|event| event.at)
    }

    /// Removes at most `limit` events from the beginning that were stored before `before`.
    pub(super) fn purge(&mut self, before: Timestamp, limit: usize) -> Vec<Event> {
        let old = self.events.iter().take(limit).take_while(|event| event.at < before).count();
        let removed: Vec<Event> = self.events.drain(..old).collect();
        removed.iter().for_each(|event| self.forget(event));
        removed
    }

    /// Forgets what is looked up of an event that was the first.
    fn forget(&mut self, event: &Event) {
        let floor = &mut self.conversation.floor;
        floor.staff = event.position.staff;
        if let Some(seq) = event.position.visitor {
            floor.visitor = seq;
            self.visible.pop_front();
        }
        if let Some(message) = event.kind.message() {
            self.received.remove(&(event.by, message.client_id));
            self.from_visitor.pop_front_if(|seq| *seq <= floor.staff);
            self.from_staff.pop_front_if(|seq| *seq <= floor.visitor);
        }
    }

    /// The events above a staff position, ascending.
    pub(super) fn events_above(&self, position: u64) -> impl Iterator<Item = &Event> {
        self.events.range(self.place_above(Audience::Staff, position)..)
    }

    /// Over what a repeat of this event's request must repeat.
    pub(super) fn digest(&self, event: &Event) -> Option<BodyDigest> {
        let message = event.kind.message()?;
        self.received.get(&(event.by, message.client_id))?.digest
    }

    /// The event at a position in this numbering.
    pub(super) fn event(&self, audience: Audience, seq: u64) -> Option<&Event> {
        match audience {
            Audience::Staff => {
                let place = self.events.binary_search_by_key(&seq, |event| event.position.staff);
                place.ok().map(|place| &self.events[place])
            }
            Audience::Visitor => {
                let place = self.visible.binary_search_by_key(&seq, |position| position.visitor);
                place.ok().and_then(|place| self.event(Audience::Staff, self.visible[place].staff))
            }
        }
    }

    /// The event of the message with which the conversation was opened.
    pub(super) fn first(&self) -> Option<&Event> {
        self.event(Audience::Staff, 1).filter(|_| self.opening.with_message)
    }

    /// How many events of this numbering stand at or below a position.
    fn place_above(&self, audience: Audience, seq: u64) -> usize {
        match audience {
            Audience::Staff => self.events.partition_point(|event| event.position.staff <= seq),
            Audience::Visitor => self.visible.partition_point(|position| position.visitor <= seq),
        }
    }

    pub(super) fn page(&self, audience: Audience, window: Window, limit: usize) -> EventPage {
        let head = self.place_above(audience, u64::MAX);
        let (first, end) = match window {
            Window::After(after) => {
                let first = self.place_above(audience, after);
                (first, first.saturating_add(limit).min(head))
            }
            Window::Before(before) => {
                let end = self.place_above(audience, before.saturating_sub(1));
                (end.saturating_sub(limit), end)
            }
            Window::Latest => (head.saturating_sub(limit), head),
        };
        let events = match audience {
            Audience::Staff => self.events.range(first..end).cloned().collect(),
            Audience::Visitor => {
                let visible = self.visible.range(first..end);
                visible.filter_map(|position| self.event(Audience::Staff, position.staff)).cloned().collect()
            }
        };
        EventPage {
            events,
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
        let visible = self.visible.partition_point(|position| position.staff <= staff).checked_sub(1);
        let visitor = visible.map_or(self.conversation.floor.visitor, |last| self.visible[last].visitor);
        let (from, to) = (self.read(reader), Heads { staff, visitor });
        (to.staff > from.staff).then_some(ReadMove { visitor: self.conversation.visitor, from, to })
    }

    pub(super) fn set_read(&mut self, reader: Author, up_to: Heads) {
        self.reads.insert(reader, up_to);
        if matches!(reader, Author::Operator(_)) && up_to.staff > self.read_by_operators.staff {
            self.read_by_operators = up_to;
        }
    }

    /// Who has read, and how far.
    pub(super) const fn reads(&self) -> &HashMap<Author, Heads> {
        &self.reads
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
        self.event(
            Audience::Staff,
            match audience {
                Audience::Staff => self.last_message,
                Audience::Visitor => self.last_visible_message,
            },
        )
    }
}
