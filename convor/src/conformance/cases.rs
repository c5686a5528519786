//! The list of cases. It stands in one macro, from which both the tests and the table are made.

use super::{Case, Threads};

/// The list: each group, on how many threads its cases run, and its cases.
#[doc(hidden)]
#[macro_export]
macro_rules! __convor_cases {
    ($mode:ident) => {
        $crate::__convor_expand! { $mode
            isolation One {
                a_foreign_profile_is_absent
                foreign_sites_are_absent
                foreign_visitors_are_absent
                foreign_current_pages_are_absent
                foreign_operators_are_absent
                foreign_conversations_are_absent
                foreign_event_logs_are_absent
                foreign_read_positions_are_absent
                foreign_notifications_are_absent
                foreign_control_events_are_absent
                foreign_audit_entries_are_absent
                foreign_records_are_not_removed
                the_same_ids_can_be_stored_in_two_tenants
                what_is_read_is_the_tenants_own
                what_is_changed_in_one_tenant_stays_there
                a_token_is_found_in_its_own_tenant_only
                a_foreign_site_takes_no_visitor
                a_foreign_visitor_opens_nothing
                a_foreign_operator_is_no_assignee
                client_ids_are_remembered_per_tenant
                no_method_is_forgotten
            }
            idempotency Several {
                append_is_idempotent_on_client_id
                a_repeated_append_stores_nothing
                another_body_under_a_used_client_id_is_refused
                a_repeat_is_told_by_its_digest
                a_client_id_belongs_to_its_author
                a_client_id_belongs_to_its_conversation
                a_late_repeat_finds_the_first_event
                a_repeat_reopens_nothing
                concurrent_repeats_store_one_message
            }
            openings Several {
                open_is_idempotent_on_client_id
                a_repeated_open_stores_nothing
                a_repeated_open_answers_the_present_state
                a_repeat_invents_no_first_message
                another_opening_under_a_used_client_id_is_refused
                an_openings_client_id_belongs_to_its_visitor
                concurrent_repeats_open_one_conversation
                a_repeated_open_is_recognised_at_the_bound
                an_opening_remembers_its_first_message
            }
            order Several {
                positions_begin_at_one
                a_note_takes_no_visitor_position
                the_log_holds_what_was_answered
                an_append_answers_the_new_heads
                concurrent_changes_leave_no_gap
                conversations_count_apart
                each_writer_is_answered_its_own
                a_reopening_follows_its_message
                waking_by_a_message_is_hidden_from_the_visitor
                a_message_does_not_reopen_unasked
                an_open_conversation_is_not_reopened
                a_change_adds_its_events_in_order
                a_visitor_counts_what_it_sees
                events_name_who_and_when
                updated_at_follows_what_an_audience_sees
                updated_at_never_moves_back
            }
            compare_and_set Several {
                an_update_needs_the_present_version
                of_sixteen_racers_one_wins
                no_update_is_lost
                an_update_is_one_version
                an_update_that_changes_nothing_stores_nothing
                only_what_differs_is_an_event
                an_unknown_assignee_refuses_the_whole_update
                absent_fields_are_left_alone
                a_message_keeps_the_version
                a_status_event_names_both_ends
                an_unknown_conversation_is_not_updated
            }
            pages One {
                after_yields_the_first_events_above_it
                before_yields_the_last_events_below_it
                latest_yields_the_end
                a_visitors_window_counts_what_it_sees
                joined_pages_are_the_whole_log
                an_empty_log_has_an_empty_page
                a_page_knows_where_the_log_stands
                an_unknown_conversation_has_no_page
                a_limit_of_zero_yields_nothing
                an_empty_list_has_no_page
                a_limit_larger_than_everything_yields_everything
                sites_are_paged_by_id
                operators_are_paged_by_id
                audit_entries_are_paged_by_id
            }
            inbox One {
                an_empty_list_is_empty
                the_latest_change_comes_first
                a_note_does_not_move_a_visitors_list
                reading_moves_no_conversation
                ties_are_ordered_by_id
                the_cursor_is_strictly_below
                a_page_ends_at_its_limit
                the_inbox_is_filtered_by_status
                the_inbox_is_filtered_by_assignee
                the_inbox_is_filtered_by_tag
                filters_are_joined
                a_visitor_lists_its_own_only
                a_list_shows_what_a_view_shows
            }
            bounds Several {
                unread_is_counted_to_a_hundred
                only_the_other_sides_messages_are_unread
                the_systems_messages_are_unread_for_the_visitor
                reading_makes_less_unread
                a_visitor_has_at_most_conversations_max
                the_bound_counts_all_of_one_visitor
                concurrent_opens_keep_the_bound
                concurrent_opens_at_the_bound_fill_one_place
                a_bound_may_be_as_large_as_it_can
                positions_beyond_every_signed_number_are_beyond_the_end
                two_hundred_operators_are_found_at_once
                a_text_comes_back_as_it_was
            }
            reads Several {
                an_operators_position_is_answered_in_both_numberings
                a_visitors_position_is_answered_in_both_numberings
                a_move_tells_where_it_came_from
                a_position_never_moves_back
                beyond_the_end_is_the_end
                nothing_is_read_where_there_is_nothing
                a_visitor_reads_in_its_own_conversations_only
                each_reader_has_a_position
                the_other_sides_position_is_seen
                concurrent_readings_end_at_the_furthest
            }
            change One {
                a_profile_commits_its_change
                a_site_commits_its_change
                a_registration_commits_its_change
                a_contact_update_commits_its_change
                a_current_page_commits_its_change
                an_operator_commits_its_change
                an_opening_commits_its_change
                an_update_commits_its_change
                a_message_commits_its_change
                a_reading_commits_its_change
                a_change_may_owe_several_things
            }
            control Several {
                control_events_are_appended_alone
                control_positions_have_no_gap
                the_control_log_is_read_above_a_position
            }
            outbox Several {
                the_oldest_are_claimed_first
                a_claimed_notification_is_held_until_its_time
                a_settled_notification_is_gone
                concurrent_claims_share_nothing
                a_tenant_with_a_free_notification_is_due
                due_tenants_are_paged_by_id
                a_tenant_is_registered_once
            }
            snooze One {
                a_snooze_is_due_from_its_time_on
                the_longest_due_wake_first
                a_due_snooze_wakes_in_its_version
                a_changed_snooze_is_due_at_its_new_time
                a_message_ends_the_snooze
                a_tenant_with_an_ended_snooze_is_due
            }
            accounts One {
                foreign_accounts_are_absent
                a_login_is_found_by_its_address
                an_address_signs_in_at_its_own_tenant
                a_new_password_replaces_the_old_one
                a_session_ends_by_itself
                a_session_is_found_in_its_own_tenant_only
                an_ended_session_is_gone
                a_new_password_ends_the_operators_sessions
                a_session_needs_the_present_password
                a_rehash_replaces_what_it_expects
                a_new_session_sweeps_the_expired_ones
                a_refused_session_stores_nothing
                accounts_commit_their_changes
                refused_accounts_commit_nothing
            }
            registry Several {
                tenants_are_paged_by_id
                joined_pages_are_all_tenants
                of_concurrent_insertions_one_adds_the_tenant
                control_heads_come_in_the_order_of_the_question
                control_heads_answer_whatever_is_asked
                control_heads_follow_every_change
            }
            erasure Several {
                an_erased_visitor_is_gone_from_every_read
                a_visitor_without_a_conversation_is_erased
                it_is_as_if_the_visitor_had_never_been
                an_erasure_stays_in_its_tenant
                an_erasure_leaves_control_log_and_audit_trail
                an_erasure_commits_its_change
                an_erasure_ends_the_work_that_is_due
                notifications_of_others_stay
                an_erasures_own_notification_goes_with_it
                nothing_is_written_where_a_visitor_was_erased
                an_erased_visitors_id_begins_anew
                a_visitor_is_erased_once
                what_happens_beside_an_erasure_leaves_nothing
            }
            purge Several {
                what_is_older_goes
                a_purge_stops_at_its_limit
                floors_rise_in_both_numberings
                a_purge_changes_nothing_but_the_beginning
                only_the_beginning_of_a_log_goes
                each_log_is_purged_for_itself
                windows_begin_above_the_floor
                a_view_shows_what_is_left
                a_purged_log_goes_on
                a_purge_stays_in_its_tenant
                a_repeat_of_a_purged_message_is_new
                a_repeated_opening_shows_no_purged_message
                a_purge_beside_appends_leaves_whole_logs
            }
            search Several {
                foreign_messages_are_not_found
                a_word_finds_the_tenants_own
                a_message_is_found_by_each_of_its_words
                all_words_must_be_in_the_message
                without_a_word_nothing_is_found
                every_message_is_found_and_nothing_else
                letter_case_makes_no_difference
                a_word_is_taken_as_it_is
                signs_between_words_mean_nothing
                long_words_and_long_texts_are_found
                the_newest_are_found_first
                joined_pages_are_all_that_is_found
                the_cursor_of_a_search_is_strictly_below
                indexing_comes_to_its_end
                a_late_message_with_an_early_time_is_found
                indexing_beside_appends_loses_nothing
                a_purged_message_is_not_found
                an_erased_message_is_not_found
            }
            uploads Several {
                foreign_uploads_are_absent
                an_upload_lives_from_its_record_to_the_end_of_its_blob
                an_upload_comes_back_as_it_was
                a_refused_beginning_stores_nothing
                an_upload_is_completed_once
                what_goes_on_is_not_removed
                uploads_commit_their_changes
                removable_blobs_come_in_order
                a_stale_beginning_is_discarded
                uploads_are_paged_by_id
                an_erased_visitors_blobs_are_removable
                a_purge_leaves_uploads
                of_concurrent_calls_one_does_it
                a_beginning_beside_an_erasure_leaves_no_blob_behind
            }
            transfer Several {
                foreign_records_are_absent
                records_come_in_the_order_of_their_keys
                joined_pages_are_the_whole_export
                the_cursor_of_an_export_is_strictly_above
                an_export_holds_what_can_be_read
                an_export_holds_what_is_kept_out_of_sight
                an_export_holds_accounts
                an_export_holds_uploads
                an_import_gives_an_equal_export
                a_second_import_changes_nothing
                what_is_there_is_left_as_it_is
                a_dropped_import_is_all_or_nothing
                concurrent_imports_store_each_record_once
                a_record_that_is_not_kept_is_refused
                an_import_stays_in_its_tenant
                records_are_stored_as_they_are
                a_moved_tenant_reads_as_before
                moved_credentials_are_good
                moved_sessions_go_on
                what_was_taken_is_taken
                a_repeat_is_recognised_after_a_move
                a_moved_opening_remembers_its_first_message
                erased_content_is_moved_as_erased
                a_moved_log_goes_on
                moved_work_is_due
                a_moved_control_log_goes_on
                moved_messages_are_found
                moved_uploads_go_on
                what_was_moved_can_be_removed
                what_was_purged_stays_away
                a_log_that_was_cut_off_is_purged
                what_follows_a_cut_is_purged
            }
            records One {
                the_storage_answers
                a_profile_is_stored_once
                a_site_comes_back_as_it_was
                a_visitor_comes_back_as_it_was
                a_visitor_is_registered_once
                an_operator_comes_back_as_it_was
                an_operators_address_is_unique_in_its_tenant
                only_the_last_page_is_kept
            }
            texts One {
                a_message_is_kept_byte_for_byte
                every_field_is_kept_byte_for_byte
                tags_are_kept_apart
                a_tag_is_compared_as_it_is
                addresses_are_compared_as_they_are
                tokens_and_digests_are_bytes
            }
            conversations One {
                a_new_conversation_is_as_the_contract_says
                a_first_message_opens_the_log
                an_unknown_conversation_is_none
                a_view_shows_the_visitor_and_its_page
                a_view_shows_the_last_message_its_reader_sees
                a_visitor_writes_in_its_own_conversations_only
                a_message_comes_back_as_it_was
            }
            contacts One {
                a_contact_is_set
                an_absent_contact_field_is_left
                an_emptied_contact_field_is_cleared
                an_unknown_visitor_has_no_contact
            }
            cancellation One {
                a_dropped_append_is_all_or_nothing
                a_dropped_open_is_all_or_nothing
                a_dropped_update_is_all_or_nothing
                a_dropped_registration_is_all_or_nothing
                a_dropped_claim_loses_nothing
                a_dropped_erasure_is_all_or_nothing
                a_dropped_purge_leaves_whole_logs
                a_dropped_upload_is_all_or_nothing
                a_dropped_indexing_misses_nothing
                a_dropped_call_leaves_nothing_open
            }
        }
    };
}

/// Makes a `#[test]` of each case, or the table of all cases.
#[doc(hidden)]
#[macro_export]
macro_rules! __convor_expand {
    (tests $($group:ident $threads:ident { $($case:ident)* })*) => {$(
        mod $group {
            $(
                #[test]
                fn $case() {
                    $crate::conformance::run(&super::__convor_harness(), stringify!($group), stringify!($case));
                }
            )*
        }
    )*};
    (table $($group:ident $threads:ident { $($case:ident)* })*) => {
        &[$($(
            Case {
                group: stringify!($group),
                name: stringify!($case),
                threads: Threads::$threads,
                body: |world| Box::pin(super::$group::$case(world)),
            },
        )*)*]
    };
}

/// Every case of the suite.
pub const CASES: &[Case] = __convor_cases!(table);
