//! Members list conversations: a visitor its own, staff the inbox.

use std::fmt;

use crate::domain::{Audience, Author, Principal, Status};
use crate::error::Error;
use crate::ids::{ConversationId, OperatorId, TenantId, VisitorId};
use crate::ports::storage::{AssigneeFilter, ConversationPage, ConversationScope, ConversationView};
use crate::protocol::{ConversationObject, ListObject, Names};
use crate::time::Timestamp;

use super::{Chat, line};

/// A conversation as its reader sees it, with what its view needs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Viewed {
    /// The conversation.
    pub view: ConversationView,
    audience: Audience,
    names: Names,
    online: bool,
}

impl Viewed {
    /// The conversation as the protocol shows it.
    #[must_use]
    pub fn object(&self) -> ConversationObject<'_> {
        ConversationObject::new(&self.view, self.audience, &self.names, self.online)
    }

    /// What `ETag` and `If-Match` compare: for staff the version, for a visitor its own position, so that it cannot tell
    /// that staff have done something.
    #[must_use]
    pub const fn tag(&self) -> u64 {
        match self.audience {
            Audience::Staff => self.view.conversation.version,
            Audience::Visitor => self.view.conversation.heads.visitor,
        }
    }
}

/// Which conversations of the inbox.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct InboxFilter {
    /// With this status.
    pub status: Option<Status>,
    /// With this assignee.
    pub assignee: Option<AssigneeFilter>,
    /// With this tag.
    pub tag: Option<String>,
}

impl fmt::Debug for InboxFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, assignee, tag: _ } = self;
        f.debug_struct("InboxFilter")
            .field("status", status)
            .field("assignee", assignee)
            .finish_non_exhaustive()
    }
}

/// A page of conversations.
#[derive(Debug)]
#[non_exhaustive]
pub struct Inbox {
    /// The conversations, the latest change first.
    pub conversations: Vec<Viewed>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

impl Inbox {
    /// The page as the protocol shows it.
    #[must_use]
    pub fn object(&self) -> ListObject<ConversationObject<'_>> {
        let data = self.conversations.iter().map(Viewed::object).collect();
        ListObject::new(data, self.next_cursor.clone())
    }
}

impl Chat {
    /// One conversation.
    ///
    /// # Errors
    /// [`Error::NotFound`] unless the principal is a member.
    pub async fn conversation(
        &self,
        principal: &Principal,
        conversation: ConversationId,
    ) -> Result<Viewed, Error> {
        let tenant = principal.tenant();
        let view = self
            .within(self.storage().conversations().view(tenant, conversation, principal.author()))
            .await?;
        let view = view.ok_or(Error::NotFound)?;
        match principal {
            Principal::Visitor { visitor, .. } if *visitor != view.conversation.visitor => {
                Err(Error::NotFound)
            }
            _ => self.viewed(principal, vec![view]).await?.pop().ok_or(Error::NotFound),
        }
    }

    /// A page of conversations: a visitor's own, or the inbox. Only staff can filter.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter, limit or cursor out of bounds.
    pub async fn conversations(
        &self,
        principal: &Principal,
        filter: InboxFilter,
        cursor: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Inbox, Error> {
        let limit = self.page_limit(limit)?;
        let scope = self.scope(principal, filter)?;
        let audience = scope.audience();
        let before = cursor.map(|cursor| read_cursor(cursor).ok_or(Error::InvalidCursor)).transpose()?;
        // One more than asked for tells whether there is another page.
        let page = ConversationPage { reader: principal.author(), scope, before, limit: limit + 1 };
        let mut views = self.within(self.storage().conversations().page(principal.tenant(), &page)).await?;
        let more = views.len() > limit;
        views.truncate(limit);
        let last = views.last().filter(|_| more).map(|view| &view.conversation);
        let next_cursor = last.map(|last| write_cursor(last.updated_at.of(audience), last.id));
        Ok(Inbox { conversations: self.viewed(principal, views).await?, next_cursor })
    }

    /// A visitor's conversations, and up to where it can read each.
    pub(crate) async fn conversations_of(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
    ) -> Result<Vec<(ConversationId, u64)>, Error> {
        let page = ConversationPage {
            reader: Author::Visitor(visitor),
            scope: ConversationScope::Of(visitor),
            before: None,
            limit: self.limits().visitor_conversations_max,
        };
        let views = self.within(self.storage().conversations().page(tenant, &page)).await?;
        let conversations = views.into_iter().map(|view| view.conversation);
        Ok(conversations.map(|conversation| (conversation.id, conversation.heads.visitor)).collect())
    }

    fn scope(&self, principal: &Principal, filter: InboxFilter) -> Result<ConversationScope, Error> {
        let InboxFilter { status, assignee, tag } = filter;
        if let Principal::Visitor { visitor, .. } = *principal {
            return match (status, assignee, tag) {
                (None, None, None) => Ok(ConversationScope::Of(visitor)),
                _ => Err(Error::Forbidden),
            };
        }
        let tag = tag.map(|tag| line("tag", &tag, self.limits().tag_chars_max)).transpose()?;
        Ok(ConversationScope::Inbox { status, assignee, tag })
    }

    async fn viewed(
        &self,
        principal: &Principal,
        views: Vec<ConversationView>,
    ) -> Result<Vec<Viewed>, Error> {
        let (tenant, audience) = (principal.tenant(), principal.audience());
        let events = views.iter().filter_map(|view| view.last_message.as_ref());
        let mut operators: Vec<OperatorId> = events.flat_map(crate::protocol::operators_of).collect();
        operators.sort_unstable();
        operators.dedup();
        let names = self.names_of(tenant, &operators).await?;
        let viewed = views.into_iter().map(|view| {
            let online = self.hub().roster().is_online(tenant, Author::Visitor(view.conversation.visitor));
            Viewed { view, audience, names: names.clone(), online }
        });
        Ok(viewed.collect())
    }
}

fn write_cursor(at: Timestamp, id: ConversationId) -> String {
    format!("{:x}.{}", at.millis(), id)
}

fn read_cursor(cursor: &str) -> Option<(Timestamp, ConversationId)> {
    let (at, id) = cursor.split_once('.')?;
    Some((Timestamp::from_millis(i64::from_str_radix(at, 16).ok()?), id.parse().ok()?))
}
