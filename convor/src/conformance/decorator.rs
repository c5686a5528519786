//! What decorators of a storage have in common.

/// Hands out a decorator as each repository of its storage: expands, within its `impl Storage`, to every accessor but
/// `registry`. An optional group is there where the storage in the named field has it.
#[macro_export]
macro_rules! decorated_repositories {
    ($inner:ident) => {
        $crate::decorated_repositories! { @always
            tenants: TenantRepository,
            sites: SiteRepository,
            visitors: VisitorRepository,
            pages: PageRepository,
            operators: OperatorRepository,
            conversations: ConversationRepository,
            events: EventRepository,
            reads: ReadRepository,
            outbox: OutboxRepository,
            control: ControlRepository,
            audit: AuditRepository,
        }
        $crate::decorated_repositories! { @where $inner has
            accounts: AccountRepository,
            search: SearchRepository,
            uploads: UploadRepository,
            transfer: TransferRepository,
        }
    };
    (@always $($accessor:ident: $repository:ident,)*) => {$(
        fn $accessor(&self) -> &dyn $crate::ports::storage::$repository {
            self
        }
    )*};
    (@where $inner:ident has $($accessor:ident: $repository:ident,)*) => {$(
        fn $accessor(&self) -> Option<&dyn $crate::ports::storage::$repository> {
            self.$inner.$accessor().map(|_| self as &dyn $crate::ports::storage::$repository)
        }
    )*};
}
