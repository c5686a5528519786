//! A tenant: an organisation, to which every other record belongs.

use crate::domain::Text;
use crate::ids::TenantId;
use crate::time::Timestamp;

/// What the registry knows of a tenant. It holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct TenantRecord {
    /// Its id.
    pub id: TenantId,
    /// The region in which its data lives; a host names its regions.
    pub region: String,
    /// Whether it is served.
    pub state: TenantState,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether a tenant is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "adapters store it")]
pub enum TenantState {
    /// It is.
    Active,
}

/// What a tenant says of itself, and the key of its digests.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct TenantProfile {
    /// Its name.
    pub name: Text,
    /// The key of the digests by which repeats are recognised. It never leaves the storage and the core.
    pub digest_key: [u8; 32],
}

impl std::fmt::Debug for TenantProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TenantProfile").finish_non_exhaustive()
    }
}
