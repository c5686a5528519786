//! Staff look at their colleagues.

use crate::domain::{Author, Operator, Principal};
use crate::error::Error;
use crate::protocol::{ListObject, OperatorObject};

use super::{Chat, staff_only};

/// A page of operators.
#[derive(Debug)]
#[non_exhaustive]
pub struct OperatorList {
    /// Each with whether it is connected.
    pub operators: Vec<(Operator, bool)>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

impl OperatorList {
    /// The page as the protocol shows it.
    #[must_use]
    pub fn object(&self) -> ListObject<OperatorObject<'_>> {
        let data =
            self.operators.iter().map(|(operator, online)| OperatorObject::new(operator, *online)).collect();
        ListObject::new(data, self.next_cursor.clone())
    }
}

impl Chat {
    /// A page of the tenant's operators.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a visitor, [`Error::InvalidCursor`], [`Error::Invalid`] for a limit out of bounds.
    pub async fn operators(
        &self,
        principal: &Principal,
        cursor: Option<&str>,
        limit: Option<usize>,
    ) -> Result<OperatorList, Error> {
        staff_only(principal)?;
        let limit = self.page_limit(limit)?;
        let after = cursor.map(|cursor| cursor.parse().map_err(|_| Error::InvalidCursor)).transpose()?;
        let tenant = principal.tenant();
        let mut operators = self.within(self.storage().operators().page(tenant, after, limit + 1)).await?;
        let more = operators.len() > limit;
        operators.truncate(limit);
        let next_cursor = operators.last().filter(|_| more).map(|last| last.id.to_string());
        let roster = self.hub().roster();
        let present = |operator: Operator| {
            let online = roster.is_online(tenant, Author::Operator(operator.id));
            (operator, online)
        };
        Ok(OperatorList { operators: operators.into_iter().map(present).collect(), next_cursor })
    }

    /// Whether an operator is connected.
    #[must_use]
    pub fn is_operator_online(&self, tenant: crate::ids::TenantId, operator: crate::ids::OperatorId) -> bool {
        self.hub().roster().is_online(tenant, Author::Operator(operator))
    }
}
