//! A member pages through a conversation's log.

use crate::domain::{Audience, Principal};
use crate::error::Error;
use crate::ids::ConversationId;
use crate::ports::storage::{EventPage, Window};
use crate::protocol::{EventPageObject, Names};

use super::Chat;

/// A page of a log, with what its view needs.
#[derive(Debug)]
#[non_exhaustive]
pub struct History {
    /// The page.
    pub page: EventPage,
    audience: Audience,
    names: Names,
}

impl History {
    /// The page as the protocol shows it.
    #[must_use]
    pub fn object(&self) -> EventPageObject<'_> {
        EventPageObject::new(&self.page, self.audience, &self.names)
    }
}

impl Chat {
    /// A page of a conversation's log, in the numbering of the one who reads.
    ///
    /// # Errors
    /// [`Error::NotFound`] unless the principal is a member, [`Error::Invalid`] for a `limit` out of bounds.
    pub async fn history(
        &self,
        principal: &Principal,
        conversation: ConversationId,
        window: Window,
        limit: Option<usize>,
    ) -> Result<History, Error> {
        let limit = self.page_limit(limit)?;
        let (tenant, audience) = (principal.tenant(), principal.audience());
        let page =
            self.within(self.storage().events().page(tenant, conversation, audience, window, limit)).await?;
        let page = page.ok_or(Error::NotFound)?;
        match principal {
            Principal::Visitor { visitor, .. } if *visitor != page.visitor => return Err(Error::NotFound),
            _ => {}
        }
        let names = self.names(tenant, &page.events).await?;
        Ok(History { page, audience, names })
    }
}
