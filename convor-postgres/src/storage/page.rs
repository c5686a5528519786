//! The pages on which visitors are.

use async_trait::async_trait;
use convor::domain::{CurrentPage, Text};
use convor::ids::{TenantId, VisitorId};
use convor::ports::storage::PageRepository;
use convor::ports::{Change, StorageError};

use super::PostgresStorage;
use crate::call::Call;
use crate::rows::{field, text, time};

const PUT: &str = "SELECT convor.pages_put(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14, $15, $16)";
const FIND: &str = "SELECT url, title, at FROM convor.pages_find($1, $2)";

#[async_trait]
impl PageRepository for PostgresStorage {
    async fn put(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        page: &CurrentPage,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let call = Call::change(PUT, tenant, change)
            .bind(visitor.uuid())
            .bind(page.url.as_str())
            .bind(page.title.as_ref().map(Text::as_str))
            .bind(page.at.millis());
        self.value(call).await
    }

    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<CurrentPage>, StorageError> {
        let read = |row: &_| {
            let title = field::<Option<String>>(row, "title")?.map(Text::from_stored);
            Ok(CurrentPage { url: text(row, "url")?, title, at: time(row, "at")? })
        };
        self.optional(Call::read(FIND, tenant).bind(visitor.uuid()), read).await
    }
}
