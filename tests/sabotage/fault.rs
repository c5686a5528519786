//! The faults, and at which case each aims.

/// What is wrong with a store, and which case must find out.
pub(crate) struct Plant {
    pub(crate) fault: Fault,
    pub(crate) name: &'static str,
    pub(crate) group: &'static str,
    pub(crate) case: &'static str,
}

macro_rules! planted {
    ($($(#[$doc:meta])* $fault:ident $name:ident caught by $group:ident::$case:ident;)*) => {
        /// What is wrong with a store.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault {
            $($(#[$doc])* $fault,)*
        }

        /// Every fault.
        pub(crate) const PLANTED: &[Plant] = &[$(
            Plant {
                fault: Fault::$fault,
                name: stringify!($name),
                group: stringify!($group),
                case: stringify!($case),
            },
        )*];
    };
}

planted! {
    /// A site is looked up in all tenants.
    ForgetsTheTenantOnAFind forgets_the_tenant_on_a_find
        caught by isolation::foreign_sites_are_absent;
    /// The inbox lists all tenants' conversations.
    ForgetsTheTenantOnAPage forgets_the_tenant_on_a_page
        caught by isolation::foreign_conversations_are_absent;
    /// A message is stored wherever there is such a conversation.
    ForgetsTheTenantOnAWrite forgets_the_tenant_on_a_write
        caught by isolation::foreign_event_logs_are_absent;
    /// A token is good in all tenants.
    FindsATokenInAnyTenant finds_a_token_in_any_tenant
        caught by isolation::a_token_is_found_in_its_own_tenant_only;
    /// An address signs in at any tenant.
    SignsInAtAnyTenant signs_in_at_any_tenant
        caught by accounts::an_address_signs_in_at_its_own_tenant;
    /// A repeat is stored again.
    DoesNotDeduplicate does_not_deduplicate
        caught by idempotency::append_is_idempotent_on_client_id;
    /// Another body under a used `client_id` passes for a repeat.
    ComparesNoDigest compares_no_digest
        caught by idempotency::another_body_under_a_used_client_id_is_refused;
    /// One author's `client_id` is taken for another's.
    MixesUpAuthors mixes_up_authors
        caught by idempotency::a_client_id_belongs_to_its_author;
    /// A repeat is recognised, and what goes with its change is stored all the same.
    LeavesResidueOfADuplicate leaves_residue_of_a_duplicate
        caught by idempotency::a_repeated_append_stores_nothing;
    /// A position is left out.
    SkipsASeq skips_a_seq
        caught by order::concurrent_changes_leave_no_gap;
    /// A note takes a position for the visitor.
    NumbersNotesForTheVisitor numbers_notes_for_the_visitor
        caught by order::a_note_takes_no_visitor_position;
    /// A message is answered as stored, and is not.
    AcksBeforeCommit acks_before_commit
        caught by order::the_log_holds_what_was_answered;
    /// A message leaves a closed conversation closed, although it was to open it.
    ForgetsToReopen forgets_to_reopen
        caught by order::a_reopening_follows_its_message;
    /// An update is made in whatever version.
    ComparesNoVersion compares_no_version
        caught by compare_and_set::of_sixteen_racers_one_wins;
    /// An update with an unknown assignee is refused, and the rest of it made.
    RefusesHalfAnUpdate refuses_half_an_update
        caught by compare_and_set::an_unknown_assignee_refuses_the_whole_update;
    /// A window of a log begins with the event at its cursor.
    RepeatsTheCursorOfALog repeats_the_cursor_of_a_log
        caught by pages::after_yields_the_first_events_above_it;
    /// A visitor's window holds the notes too.
    ShowsNotesToTheVisitor shows_notes_to_the_visitor
        caught by pages::a_visitors_window_counts_what_it_sees;
    /// A page of the inbox begins with the conversation at its cursor.
    RepeatsTheCursorOfTheInbox repeats_the_cursor_of_the_inbox
        caught by inbox::the_cursor_is_strictly_below;
    /// Unread messages are counted without end.
    CountsUnreadWithoutBound counts_unread_without_bound
        caught by bounds::unread_is_counted_to_a_hundred;
    /// A visitor opens as many conversations as it likes.
    ForgetsTheBoundOfConversations forgets_the_bound_of_conversations
        caught by bounds::a_visitor_has_at_most_conversations_max;
    /// A read position moves wherever it is told to.
    MovesReadsBack moves_reads_back
        caught by reads::a_position_never_moves_back;
    /// Any visitor writes in any conversation.
    AsksNoVisitorWhose asks_no_visitor_whose
        caught by conversations::a_visitor_writes_in_its_own_conversations_only;
    /// What a message owes to others is not stored.
    DropsTheOutbox drops_the_outbox
        caught by change::a_message_commits_its_change;
    /// What the audit trail was to say of an update is not stored.
    DropsTheAudit drops_the_audit
        caught by change::an_update_commits_its_change;
    /// A notification is given to whoever asks, held or not.
    ClaimsTwice claims_twice
        caught by outbox::a_claimed_notification_is_held_until_its_time;
    /// No tenant ever has work.
    LosesDueWork loses_due_work
        caught by outbox::a_tenant_with_a_free_notification_is_due;
    /// A snooze ends a millisecond early.
    WakesTooEarly wakes_too_early
        caught by snooze::a_snooze_is_due_from_its_time_on;
    /// A session goes on after its time.
    KeepsExpiredSessions keeps_expired_sessions
        caught by accounts::a_session_ends_by_itself;
    /// A new password leaves the sessions of the old one.
    KeepsSessionsOfAnOldPassword keeps_sessions_of_an_old_password
        caught by accounts::a_new_password_ends_the_operators_sessions;
    /// A rehash takes the place of whatever hash there is.
    ReplacesAnyHash replaces_any_hash
        caught by accounts::a_rehash_replaces_what_it_expects;
    /// A control event that comes alone is not stored.
    ForgetsAControlEvent forgets_a_control_event
        caught by control::control_events_are_appended_alone;
    /// A contact field that the patch does not name is cleared.
    ClearsAbsentFields clears_absent_fields
        caught by contacts::an_absent_contact_field_is_left;
    /// A message and what goes with its change are two transactions.
    CommitsInTwoSteps commits_in_two_steps
        caught by cancellation::a_dropped_append_is_all_or_nothing;
}
