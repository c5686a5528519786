//! How far members have read.

use convor::async_trait;
use convor::domain::{Audience, Author, Conversation, Event, Heads};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{ReadMove, ReadRepository, Record};
use convor::ports::{Change, StorageError};

use crate::events::is_foreign;
use crate::failure::Result;
use crate::store::Writing;
use crate::{RedbStorage, keys};

#[async_trait]
impl ReadRepository for RedbStorage {
    async fn advance(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
        audience: Audience,
        seq: u64,
        change: &Change,
    ) -> Result<Option<ReadMove>, StorageError> {
        let change = change.clone();
        self.write(move |store| {
            let found = store.get::<Conversation>(tenant, conversation.uuid())?;
            let Some(found) = found.filter(|found| !is_foreign(reader, found)) else { return Ok(None) };
            let from = store.at::<Heads>(&keys::read(tenant, conversation, reader))?.unwrap_or_default();
            let to = position(store, tenant, &found, audience, seq)?;
            let Some(to) = to.filter(|to| to.staff > from.staff) else { return Ok(None) };
            store.put(tenant, &Record::Read { conversation, reader, up_to: to })?;
            store.carry(tenant, &change)?;
            Ok(Some(ReadMove { visitor: found.visitor, from, to }))
        })
        .await
    }
}

/// Where the event at a position stands in both numberings; `None` if retention has removed it.
fn position(
    store: &Writing<'_>,
    tenant: TenantId,
    Conversation { id, heads, floor, .. }: &Conversation,
    audience: Audience,
    seq: u64,
) -> Result<Option<Heads>> {
    let key = keys::log(tenant, *id, audience).number(seq.min(heads.of(audience)));
    let event = match audience {
        Audience::Staff => store.at::<Event>(&key)?,
        Audience::Visitor => store.find::<Event>(&key)?,
    };
    let Some(Event { position, .. }) = event else { return Ok(None) };
    let visible = keys::visible(tenant, *id);
    let visible = visible.clone()..visible.number(position.staff).end();
    let visible = store.through::<Event>(visible)?.next_back().transpose()?;
    let visitor = visible.and_then(|event| event.position.visitor).unwrap_or(floor.visitor);
    Ok(Some(Heads { staff: position.staff, visitor }))
}
