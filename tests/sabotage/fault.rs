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
    /// A visitor is erased, and what goes with the change is stored after it.
    ErasesInTwoSteps erases_in_two_steps
        caught by cancellation::a_dropped_erasure_is_all_or_nothing;
    /// A page of the registry begins with the tenant at its cursor.
    RepeatsTheCursorOfTheRegistry repeats_the_cursor_of_the_registry
        caught by registry::tenants_are_paged_by_id;
    /// The heads of control logs come in the order of the tenants' ids.
    SortsControlHeads sorts_control_heads
        caught by registry::control_heads_come_in_the_order_of_the_question;
    /// A tenant that there is not has no place in the answer.
    LeavesOutUnknownTenants leaves_out_unknown_tenants
        caught by registry::control_heads_answer_whatever_is_asked;
    /// An erasure takes a visitor with this id out of all tenants.
    ForgetsTheTenantOnAnErasure forgets_the_tenant_on_an_erasure
        caught by erasure::an_erasure_stays_in_its_tenant;
    /// An erased visitor's token is good for ever.
    KeepsTheTokenOfTheErased keeps_the_token_of_the_erased
        caught by erasure::an_erased_visitor_is_gone_from_every_read;
    /// Notifications name conversations that are erased.
    KeepsNotificationsOfTheErased keeps_notifications_of_the_erased
        caught by erasure::an_erasure_ends_the_work_that_is_due;
    /// What goes with an erasure's change is not stored.
    DropsTheChangeOfAnErasure drops_the_change_of_an_erasure
        caught by erasure::an_erasure_commits_its_change;
    /// What a visitor did goes out of the audit trail with it.
    ErasesTheAuditTrail erases_the_audit_trail
        caught by erasure::an_erasure_leaves_control_log_and_audit_trail;
    /// An erasure forgets the search index.
    FindsTheErased finds_the_erased
        caught by search::an_erased_message_is_not_found;
    /// An erasure forgets the blobs of its uploads.
    LosesTheBlobsOfTheErased loses_the_blobs_of_the_erased
        caught by uploads::an_erased_visitors_blobs_are_removable;
    /// A purge leaves the floors as they were.
    LeavesTheFloor leaves_the_floor
        caught by purge::floors_rise_in_both_numberings;
    /// A purge removes whatever is old, also from the middle of a log.
    PurgesFromTheMiddle purges_from_the_middle
        caught by purge::only_the_beginning_of_a_log_goes;
    /// A purge reaches all tenants.
    ForgetsTheTenantOnAPurge forgets_the_tenant_on_a_purge
        caught by purge::a_purge_stays_in_its_tenant;
    /// A purge removes all that there is at once.
    PurgesWithoutBound purges_without_bound
        caught by purge::a_purge_stops_at_its_limit;
    /// A purge removes what was stored at its very time.
    PurgesTooMuch purges_too_much
        caught by purge::what_is_older_goes;
    /// A purge forgets the search index.
    FindsThePurged finds_the_purged
        caught by search::a_purged_message_is_not_found;
    /// Of several words only one is looked for.
    IgnoresAWord ignores_a_word
        caught by search::all_words_must_be_in_the_message;
    /// A word is looked for in all tenants.
    SearchesAllTenants searches_all_tenants
        caught by search::a_word_finds_the_tenants_own;
    /// An event is never brought in.
    SkipsAnEventOfTheIndex skips_an_event_of_the_index
        caught by search::indexing_comes_to_its_end;
    /// Notes are not found.
    FindsNoNotes finds_no_notes
        caught by search::every_message_is_found_and_nothing_else;
    /// A page of what is found begins with the message at its cursor.
    RepeatsTheCursorOfASearch repeats_the_cursor_of_a_search
        caught by search::the_cursor_of_a_search_is_strictly_below;
    /// A file is begun wherever somebody wants to.
    BeginsInAnyConversation begins_in_any_conversation
        caught by uploads::a_refused_beginning_stores_nothing;
    /// A file that is whole is completed again.
    CompletesTwice completes_twice
        caught by uploads::an_upload_is_completed_once;
    /// What was begun and never completed stays for ever.
    KeepsStaleBeginnings keeps_stale_beginnings
        caught by uploads::a_stale_beginning_is_discarded;
    /// A record is discarded, and its blob forgotten.
    LosesTheBlobOfADiscard loses_the_blob_of_a_discard
        caught by uploads::an_upload_lives_from_its_record_to_the_end_of_its_blob;
    /// An import takes the place of what is there.
    OverwritesOnImport overwrites_on_import
        caught by transfer::what_is_there_is_left_as_it_is;
    /// A record is left out between two pages.
    SkipsARecordAtAPagesEnd skips_a_record_at_a_pages_end
        caught by transfer::joined_pages_are_the_whole_export;
    /// What all tenants have is exported.
    ForgetsTheTenantOnAnExport forgets_the_tenant_on_an_export
        caught by transfer::foreign_records_are_absent;
    /// A repeat of what was moved is told by nothing.
    ImportsNoDigests imports_no_digests
        caught by transfer::a_repeat_is_recognised_after_a_move;
    /// What is due for a tenant that was moved is never done.
    ForgetsTheWorkOfAnImport forgets_the_work_of_an_import
        caught by transfer::moved_work_is_due;
    /// Tags are kept as one text, with commas between them.
    SplitsTagsAtCommas splits_tags_at_commas
        caught by texts::tags_are_kept_apart;
    /// The inbox finds tags in whatever letter case.
    FoldsTags folds_tags
        caught by texts::a_tag_is_compared_as_it_is;
    /// A position is a signed number.
    WrapsPositions wraps_positions
        caught by bounds::positions_beyond_every_signed_number_are_beyond_the_end;
    /// A limit is a signed number.
    WrapsLimits wraps_limits
        caught by pages::a_limit_larger_than_everything_yields_everything;
}
