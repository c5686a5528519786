//! What every column is: whose data, how it leaves, how it is erased, how long it is kept.

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// The table, in the schema `convor`.
    pub table: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// Whose data it is.
    pub subject: Subject,
    /// What of it a transfer takes along.
    pub export: Export,
    /// What erasing a visitor does with it.
    pub erasure: Erasure,
    /// How long it is kept.
    pub kept: Kept,
}

/// Whose data it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// Nobody's: it says what the installation is.
    Nobody,
    /// The organisation's.
    Tenant,
    /// A person's who answers.
    Operator,
    /// A visitor's, or said to one, or about one.
    Visitor,
}

/// What of it a [transfer](convor::ports::storage::TransferRepository) takes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Export {
    /// It is part of a [`Record`](convor::ports::storage::Record), or names the tenant of one.
    Record,
    /// It follows from records, and is made anew by an import.
    Derived,
    /// It stands in the [registry](convor::ports::storage::TenantRegistry), which is carried over first.
    Registry,
    /// It belongs to this installation.
    Stays,
}

/// What [erasing](convor::ports::storage::VisitorRepository::erase) a visitor does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Erasure {
    /// The row goes with the visitor whose it is.
    Goes,
    /// It stays: it is nothing of a visitor's.
    Stays,
    /// It stays, and holds ids at most by which nothing can be found any more.
    Id,
}

/// How long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kept {
    /// As long as the tenant is.
    WithTenant,
    /// Until its visitor is erased.
    WithVisitor,
    /// Until it is [purged](convor::ports::storage::EventRepository::purge), or its visitor erased.
    UntilPurged,
    /// Until the visitor says another, or is erased.
    UntilReplaced,
    /// Until it is done: delivered, removed, woken, ended.
    UntilDone,
    /// As long as the installation is.
    WithInstallation,
}

macro_rules! columns {
    ($($table:ident: $subject:ident $export:ident $erasure:ident $kept:ident { $($name:ident)* })*) => {
        /// Every column of the schema.
        pub const COLUMNS: &[Column] = &[$($(
            Column {
                table: stringify!($table),
                name: stringify!($name),
                subject: Subject::$subject,
                export: Export::$export,
                erasure: Erasure::$erasure,
                kept: Kept::$kept,
            },
        )*)*];
    };
}

columns! {
    migrations: Nobody Stays Stays WithInstallation {
        version description installed_on success checksum execution_time
    }
    tenants: Tenant Registry Stays WithTenant { tenant_id region state created_at }
    tenants: Nobody Derived Stays WithTenant { control_head }
    tenants: Nobody Stays Stays WithTenant { epoch }
    due_work: Visitor Derived Goes UntilDone { tenant_id id due_at }
    profiles: Tenant Record Stays WithTenant { tenant_id name digest_key }
    sites: Tenant Record Stays WithTenant { tenant_id id name title greeting color origins created_at }
    operators: Operator Record Stays WithTenant { tenant_id id name email role created_at }
    passwords: Operator Record Stays WithTenant { tenant_id operator_id hash }
    sessions: Operator Record Stays UntilDone { tenant_id id operator_id token_hash expires_at }
    visitors: Visitor Record Goes WithVisitor { tenant_id id site_id name email created_at }
    visitor_tokens: Visitor Record Goes WithVisitor { tenant_id visitor_id token_hash }
    pages: Visitor Record Goes UntilReplaced { tenant_id visitor_id url title at }
    conversations: Visitor Record Goes WithVisitor {
        tenant_id id site_id visitor_id client_id digest with_message subject status snoozed_until assignee tags
        created_at updated_staff updated_visitor head_staff head_visitor floor_staff floor_visitor epoch version
    }
    conversations: Visitor Derived Goes WithVisitor {
        last_message last_visible_message by_visitor to_visitor floor_by_visitor floor_to_visitor indexed_staff
    }
    conversation_tags: Visitor Derived Goes WithVisitor { tenant_id conversation_id tag updated_staff }
    events: Visitor Record Goes UntilPurged {
        tenant_id conversation_id staff_seq visitor_seq epoch at by_kind by_id kind message_id client_id digest note
        text from_status to_status snoozed_until assignee tags
    }
    events: Visitor Derived Goes UntilPurged { visitor_head by_visitor to_visitor }
    log_starts: Visitor Derived Goes UntilPurged { tenant_id conversation_id at }
    reads: Visitor Record Goes WithVisitor {
        tenant_id conversation_id reader_id reader_kind staff_seq visitor_seq
    }
    reads: Visitor Derived Goes WithVisitor { seen }
    unindexed: Visitor Derived Goes UntilPurged { tenant_id conversation_id }
    words: Visitor Derived Goes UntilPurged { tenant_id word at conversation_id staff_seq }
    uploads: Visitor Record Goes WithVisitor {
        tenant_id id conversation_id by_kind by_id name media_type blob created_at bytes sha256
    }
    removable_blobs: Visitor Record Id UntilDone { tenant_id blob }
    notifications: Visitor Record Goes UntilDone { tenant_id id kind conversation_id attempts held_until }
    control_events: Operator Record Id WithTenant { tenant_id position kind session_id }
    audit: Operator Record Id WithTenant { tenant_id id by_kind by_id at action target }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_classified_once() {
        let names: std::collections::BTreeSet<_> =
            COLUMNS.iter().map(|column| (column.table, column.name)).collect();
        assert_eq!(names.len(), COLUMNS.len());
    }

    #[test]
    fn what_is_a_visitors_ends_with_it() {
        for column in COLUMNS.iter().filter(|column| column.subject == Subject::Visitor) {
            let ends = column.erasure == Erasure::Goes || column.table == "removable_blobs";
            assert!(ends && column.kept != Kept::WithTenant, "{column:?}");
        }
    }
}
