//! Visitors, and how everything that is about one goes.

use convor::async_trait;
use convor::credentials::TokenHash;
use convor::domain::{Conversation, Site, Visitor};
use convor::ids::{TenantId, VisitorId};
use convor::ports::storage::{ContactPatch, NewVisitor, Record, RecordKind, VisitorRepository};
use convor::ports::{Change, StorageError};

use crate::failure::Result;
use crate::store::Writing;
use crate::{RedbStorage, events, keys};

#[async_trait]
impl VisitorRepository for RedbStorage {
    async fn register(
        &self,
        tenant: TenantId,
        new: &NewVisitor,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let (NewVisitor { visitor, token }, change) = (new.clone(), change.clone());
        self.write(move |store| {
            let (id, site) = (visitor.id, visitor.site);
            let on_a_site = store.get::<Site>(tenant, site.uuid())?.is_some();
            let added = on_a_site && store.insert(tenant, &Record::Visitor(visitor))?;
            if added {
                store.add(tenant, &Record::Token { visitor: id, hash: token })?;
                store.carry(tenant, &change)?;
            }
            Ok(added)
        })
        .await
    }

    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<Visitor>, StorageError> {
        self.get(tenant, visitor.uuid()).await
    }

    async fn find_by_token(
        &self,
        tenant: TenantId,
        token: &TokenHash,
    ) -> Result<Option<Visitor>, StorageError> {
        let token = keys::token(tenant, token);
        self.read(move |store| match store.find::<VisitorId>(&token)? {
            Some(visitor) => store.get(tenant, visitor.uuid()),
            None => Ok(None),
        })
        .await
    }

    async fn update(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        patch: &ContactPatch,
        change: &Change,
    ) -> Result<Option<Visitor>, StorageError> {
        let (ContactPatch { name, email }, change) = (patch.clone(), change.clone());
        self.write(move |store| {
            let Some(old) = store.get::<Visitor>(tenant, visitor.uuid())? else { return Ok(None) };
            let mut new = old.clone();
            new.name = name.unwrap_or(new.name);
            new.email = email.unwrap_or(new.email);
            if new != old {
                store.put(tenant, &Record::Visitor(new.clone()))?;
                store.carry(tenant, &change)?;
            }
            Ok(Some(new))
        })
        .await
    }

    async fn erase(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let change = change.clone();
        self.write(move |store| {
            let [record, token, page] = [RecordKind::Visitor, RecordKind::Token, RecordKind::Page]
                .map(|kind| keys::with_id(tenant, kind, visitor.uuid()));
            let there = store.remove(tenant, &record)?;
            if there {
                // First, so that what the change itself owes about a conversation goes with it.
                store.carry(tenant, &change)?;
                store.remove(tenant, &token)?;
                store.remove(tenant, &page)?;
                let own = store.through(keys::own(tenant, visitor).all())?.collect::<Result<Vec<_>>>()?;
                for conversation in own {
                    erase(store, tenant, &conversation)?;
                }
            }
            Ok(there)
        })
        .await
    }
}

/// Removes a conversation and all that stands in it.
fn erase(store: &mut Writing<'_>, tenant: TenantId, conversation: &Conversation) -> Result<()> {
    events::shorten(store, tenant, conversation.id, usize::MAX, |_| true)?;
    let mut all = store.keys(keys::inside(tenant, RecordKind::Read, conversation.id).all())?;
    for notification in store.targets(keys::notifications(tenant, conversation.id).all())? {
        all.push(notification?);
    }
    all.push(keys::with_id(tenant, RecordKind::Conversation, conversation.id.uuid()));
    for key in all {
        store.remove(tenant, &key)?;
    }
    Ok(())
}
