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

/// The repository behind an accessor of the storage `$inner`, as the macro `repository_methods` names it. An optional group has to be
/// there, as it is where a decorator is asked for it.
#[macro_export]
macro_rules! repository_of {
    ($inner:expr, accounts) => { $crate::repository_of!(optional $inner.accounts()) };
    ($inner:expr, search) => { $crate::repository_of!(optional $inner.search()) };
    ($inner:expr, uploads) => { $crate::repository_of!(optional $inner.uploads()) };
    ($inner:expr, transfer) => { $crate::repository_of!(optional $inner.transfer()) };
    (optional $group:expr) => { $group.expect("the storage below has the group, or it would not be called") };
    ($inner:expr, $accessor:ident) => { $inner.$accessor() };
}
