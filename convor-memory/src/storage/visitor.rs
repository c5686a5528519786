//! Visitors and their tokens.

use std::collections::HashMap;

use async_trait::async_trait;
use convor::credentials::TokenHash;
use convor::domain::Visitor;
use convor::ids::{TenantId, VisitorId};
use convor::ports::storage::{ContactPatch, NewVisitor, VisitorRepository};
use convor::ports::{Change, StorageError, StorageErrorKind};

use super::MemoryStorage;
use super::state::{TenantState, VisitorState};

#[async_trait]
impl VisitorRepository for MemoryStorage {
    async fn register(
        &self,
        tenant: TenantId,
        new: &NewVisitor,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let registered = self.write(tenant, |state| {
            let id = new.visitor.id;
            if state.visitors.contains_key(&id) || !state.sites.contains_key(&new.visitor.site) {
                return Ok(false);
            }
            // Two tokens of 256 random bits are never the same: somebody has handed in the same one twice.
            if state.visitors_by_token.contains_key(&new.token) {
                return Err(StorageError::new(StorageErrorKind::Other));
            }
            state.commit(change);
            state.visitors_by_token.insert(new.token, id);
            let visitor = new.visitor.clone();
            let token = Some(new.token);
            state.visitors.insert(id, VisitorState { visitor, token, page: None, opened: HashMap::new() });
            Ok(true)
        });
        registered.unwrap_or(Ok(false))
    }

    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<Visitor>, StorageError> {
        let found = self.read(tenant, |state| state.visitors.get(&visitor).map(|of| of.visitor.clone()));
        Ok(found.flatten())
    }

    async fn find_by_token(
        &self,
        tenant: TenantId,
        token: &TokenHash,
    ) -> Result<Option<Visitor>, StorageError> {
        let found = self.read(tenant, |state| {
            let id = state.visitors_by_token.get(token)?;
            state.visitors.get(id).map(|of| of.visitor.clone())
        });
        Ok(found.flatten())
    }

    async fn update(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        patch: &ContactPatch,
        change: &Change,
    ) -> Result<Option<Visitor>, StorageError> {
        let updated = self.write(tenant, |state| {
            let Some(before) = state.visitors.get(&visitor).map(|of| &of.visitor) else {
                return Ok(None);
            };
            let mut after = before.clone();
            if let Some(name) = &patch.name {
                after.name.clone_from(name);
            }
            if let Some(email) = &patch.email {
                after.email.clone_from(email);
            }
            if after != *before {
                state.commit(change);
                if let Some(of) = state.visitors.get_mut(&visitor) {
                    of.visitor = after.clone();
                }
            }
            Ok(Some(after))
        });
        updated.unwrap_or(Ok(None))
    }

    async fn erase(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let erased = self.write(tenant, |state| {
            if !state.visitors.contains_key(&visitor) {
                return Ok(false);
            }
            state.commit(change);
            state.erase_visitor(visitor);
            Ok(true)
        });
        erased.unwrap_or(Ok(false))
    }
}

impl TenantState {
    /// Removes a visitor and everything that is about it.
    fn erase_visitor(&mut self, visitor: VisitorId) {
        let Some(of) = self.visitors.remove(&visitor) else { return };
        if let Some(token) = of.token {
            self.visitors_by_token.remove(&token);
        }
        for conversation in of.opened.into_values() {
            self.erase_conversation(conversation);
        }
    }
}
