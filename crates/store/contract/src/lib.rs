//! What every store promises. A promise is an `async fn` of the store that it is
//! to be kept by; [`contract!`] makes a test of each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod access;
pub mod account_events;
pub mod activity;
pub mod dead_letters;
pub mod erasures;
pub mod journeys;
pub mod linked;
pub mod paging;
pub mod payloads;
pub mod people;
pub mod preparing;
pub mod processing;
pub mod samples;
pub mod summaries;
pub mod writing;

pub use access::{accounts, audit, sessions, set_up, team, tokens, write_keys};
pub use erasures::{blocking, instances, mentions, pending_removed, receipts, removals, traces};
pub use people::{linking, rows, searching, user_sessions};
pub use processing::{feeds, outcomes, parking, pending_events, processors, steering};

/// Makes a test of each promise. `$open` is an `async fn` that opens a new store,
/// as something with a method for each kind of promise, `check_events`,
/// `check_accounts`, `check_activity`, `check_letters`, `check_access`, `check_processing`,
/// `check_pending_events`, `check_payloads`, `check_people`, `check_erasures`, `check_write_keys`
/// and `check_team`: each hands the promise what it is about, and cleans up behind it.
#[macro_export]
macro_rules! contract {
    ($open:path) => {
        $crate::promises! {
            $open;
            check_events {
                writing {
                    what_is_stored_is_read_back_unchanged,
                    payloads_are_read_back_unchanged,
                    times_at_the_ends_of_the_calendar_are_read_back_unchanged,
                    an_empty_insert_is_fine,
                    of_duplicates_in_one_insert_the_first_stays,
                    of_duplicates_in_two_inserts_the_first_stays,
                    two_users_may_use_the_same_event_id,
                    concurrent_inserts_store_each_event_once,
                    a_call_that_is_dropped_leaves_the_store_usable,
                    arrivals_are_those_of_what_is_stored,
                    positions_are_those_of_what_is_stored,
                    a_ping_is_answered,
                }
                journeys {
                    a_user_without_events_has_an_empty_journey,
                    a_journey_is_in_order_of_time,
                    ties_are_in_order_of_arrival,
                    bounds_are_inclusive,
                    only_the_types_asked_for_are_given,
                    only_the_session_asked_for_is_given,
                    filters_go_together,
                    the_limit_is_kept,
                    no_user_sees_another_ones_events,
                }
                paging {
                    pages_visit_every_event_once_and_in_order,
                    a_page_goes_on_in_the_middle_of_a_tie,
                    what_shares_time_and_arrival_is_in_order_of_ids,
                    a_position_needs_no_event,
                    what_is_read_at_once_ends_at_4_mib,
                    events_that_come_later_do_not_shift_pages,
                    a_journey_over_years_is_what_a_plain_list_gives,
                }
                linked {
                    a_journey_of_several_ids_is_what_a_plain_list_gives,
                    of_an_id_only_what_arrived_before_its_end_is_given,
                    events_of_an_id_that_ended_long_ago_are_in_order_with_others,
                    what_shares_time_and_arrival_across_ids_is_in_order_of_ids,
                    a_position_stays_good_when_an_id_comes_to_the_others,
                    a_journey_of_a_hundred_ids_is_given_page_by_page,
                }
                preparing {
                    preparing_again_changes_nothing,
                    preparing_at_the_same_time_is_fine,
                }
            }
            check_accounts {
                summaries {
                    summaries_are_what_counting_one_by_one_gives,
                    an_account_without_events_has_zeros,
                    bounds_of_a_summary_are_inclusive,
                    users_of_the_same_number_are_in_the_order_of_their_ids,
                    an_event_counts_once_however_often_it_is_sent,
                    ids_that_look_like_queries_are_ids,
                    many_types_are_cut_to_the_most_frequent_and_the_total_is_whole,
                    a_count_that_takes_too_long_is_ended,
                    accounts_are_walked_in_order_each_once,
                    without_accounts_there_are_no_ends,
                }
                account_events {
                    pages_of_an_account_visit_every_event_once_newest_first,
                    a_position_of_an_account_needs_no_event,
                    what_happened_at_once_is_in_order_of_arrival_whoever_did_it,
                    an_accounts_events_are_read_up_to_4_mib,
                    events_that_come_later_do_not_shift_pages_of_an_account,
                }
            }
            check_activity {
                activity {
                    activity_is_what_counting_one_by_one_gives,
                    ids_that_did_nothing_have_no_days,
                    a_link_ends_at_its_number,
                    of_more_than_are_counted_the_newest_are,
                    events_of_a_link_that_ended_long_ago_are_no_older_for_it,
                }
            }
            check_letters {
                dead_letters {
                    a_letter_is_read_back_unchanged,
                    a_letter_put_again_stays_as_it_is,
                    letters_are_listed_newest_first_in_pages,
                    a_try_is_noted_on_its_letter,
                    removed_letters_are_gone_and_no_others,
                    payloads_of_any_size_are_kept,
                }
            }
            check_processing {
                processors {
                    a_processor_is_read_back_unchanged,
                    a_processor_is_added_once_whoever_comes_at_the_same_moment,
                    what_is_wanted_changes_where_the_version_is_still_the_one,
                    a_processor_is_seen_to_the_hour_and_the_last_one_stays,
                    a_lease_is_replaced_only_where_the_expected_one_is_there,
                    of_two_who_take_a_lease_at_once_one_has_it,
                    a_removed_processor_leaves_its_outcomes,
                    calls_about_a_name_that_nobody_added_find_nothing,
                }
                feeds {
                    documents_are_read_back_unchanged,
                    a_document_appended_again_is_one,
                    documents_of_a_process_are_read_in_order_from_a_number_on,
                    processes_are_found_with_their_lowest_numbers,
                    removed_documents_are_gone_and_no_others,
                    the_size_of_a_feed_is_that_of_its_documents,
                }
                outcomes {
                    an_outcome_is_read_back_unchanged,
                    an_outcome_is_kept_once_and_the_first_stays,
                    a_pending_outcome_is_replaced_by_one_of_its_run,
                    an_outcome_takes_the_place_of_any_of_a_lower_run,
                    what_comes_late_of_a_lower_run_changes_nothing,
                    of_runs_that_come_at_once_the_highest_stays,
                    states_are_those_of_the_events_asked_for,
                    what_failed_is_counted,
                    what_failed_is_listed_newest_first_in_pages,
                    many_large_outcomes_are_kept_at_once,
                }
                parking {
                    parked_users_are_read_back_by_key,
                    parking_again_lowers_a_record,
                    of_those_who_park_a_user_at_once_the_lowest_number_stays,
                    a_record_is_changed_only_where_the_expected_one_is_there,
                    a_stamp_ends_changes_of_earlier_epochs,
                    what_is_held_is_what_the_last_record_says,
                }
                steering {
                    a_command_is_read_back_unchanged,
                    commands_are_listed_by_processor_oldest_first,
                    a_command_added_again_stays_as_it_is,
                    a_hundred_commands_of_a_processor_may_be_open,
                    answered_commands_go_an_hour_later,
                    an_open_command_is_changed_and_an_answered_one_is_not,
                    of_those_who_answer_a_command_at_once_one_does,
                    what_was_published_last_is_read,
                }
            }
            check_pending_events {
                pending_events {
                    events_are_found_by_their_ids,
                    large_events_are_found_a_part_at_a_time,
                    events_from_a_number_on_are_in_order_of_arrival_whatever_their_times,
                    events_are_walked_in_the_order_of_their_identities,
                    users_are_walked_in_the_order_of_their_bytes_each_once,
                }
            }
            check_people {
                rows {
                    a_row_is_read_back_unchanged,
                    an_id_is_compared_byte_for_byte,
                    a_row_is_replaced_only_where_it_is_as_it_was_read,
                    of_what_many_say_at_once_nothing_is_lost,
                    what_was_said_already_writes_nothing,
                    a_row_is_written_again_for_when_it_was_seen_once_that_is_off_by_more,
                    what_is_said_comes_to_the_same_row_in_any_order,
                    any_number_of_people_is_merged_in,
                }
                linking {
                    of_more_links_than_are_wanted_the_newest_are_given,
                    who_belongs_to_a_user_comes_beside_those_asked_for_each_once,
                    a_link_that_has_ended_is_found_and_a_void_one_is_not,
                    what_an_administrator_says_moves_a_link,
                }
                searching {
                    people_are_found_by_how_a_term_begins_in_any_case,
                    nothing_that_is_searched_for_is_a_pattern,
                    of_many_hits_so_many_come_as_were_asked_for,
                    a_person_with_many_hits_comes_once,
                    a_person_is_found_by_earlier_addresses_and_not_by_earlier_names,
                }
                user_sessions {
                    a_session_is_that_of_its_first_event_in_any_order,
                    of_one_arrival_the_user_whose_id_comes_first_has_a_session,
                    of_those_who_note_a_session_at_once_the_first_event_has_it,
                }
            }
            check_erasures {
                receipts {
                    whoever_asks_for_the_key_at_once_gets_the_same,
                    an_erasure_is_read_back_unchanged,
                    an_erasure_of_as_many_ids_as_there_may_be_is_kept,
                    an_erasure_added_again_stays_as_it_is,
                    what_is_counted_adds_up_whoever_counts_at_once,
                    a_part_is_noted_once_for_each_instance,
                    what_is_done_keeps_hashes_and_no_names,
                    names_may_be_forgotten_before_the_end,
                    those_that_are_under_way_come_oldest_first,
                    an_instance_finds_what_it_took_no_part_in,
                    the_newest_come_first_whether_they_are_done_or_not,
                    what_is_said_of_an_erasure_that_is_not_there_makes_none,
                }
                instances {
                    an_instance_is_seen_since_the_first_time_and_until_the_last,
                    an_instance_that_is_seen_at_once_is_one,
                    a_lost_instance_was_never_seen_until_it_is_seen_again,
                }
                blocking {
                    ids_are_blocked_until_that_is_ended,
                    many_ids_are_blocked,
                }
                traces {
                    stored_events_of_an_id_are_found_with_who_else_they_name,
                    what_arrived_at_the_end_of_an_id_or_later_is_not_found,
                    events_of_an_id_are_found_byte_for_byte,
                    events_are_removed_in_steps_until_none_is_left,
                    an_event_that_was_removed_may_come_again,
                    letters_of_an_id_are_found_in_the_same_way,
                }
                mentions {
                    an_id_is_found_where_it_is_noted_as_the_user,
                    an_id_is_found_byte_for_byte_where_it_is_noted,
                    some_are_found_as_long_as_there_are_any,
                }
                removals {
                    outcomes_of_all_processors_go_and_of_removed_ones_too,
                    outcomes_are_found_whose_events_may_be_gone_already,
                    without_a_processor_there_are_no_outcomes_to_remove,
                    people_that_were_removed_are_found_by_nothing,
                    people_are_removed_byte_for_byte,
                    sessions_go_where_they_are_this_users,
                    entries_with_a_subject_name_another_one,
                    an_id_is_found_by_its_hash_wherever_something_is_kept_of_it,
                }
                pending_removed {
                    a_document_is_replaced_where_it_is_there,
                    a_command_is_removed_and_no_other,
                    what_was_published_goes_until_it_is_published_again,
                    what_is_scrubbed_is_as_it_was,
                }
            }
            check_payloads {
                payloads {
                    a_value_is_found_as_a_whole_text_or_number_and_in_nothing_else,
                    the_newest_events_with_a_value_come_first,
                    an_event_is_stored_whatever_it_has_at_a_key,
                    a_key_is_searched_while_it_has_an_index,
                    indexes_of_keys_are_made_and_dropped_at_once,
                }
            }
            check_write_keys {
                write_keys {
                    a_write_key_is_read_back_unchanged,
                    write_keys_are_listed_oldest_first,
                    a_name_has_one_write_key_whoever_comes_at_the_same_moment,
                    the_same_write_key_kept_again_is_fine,
                    a_write_key_is_deleted_once_and_its_name_is_free,
                    the_version_is_another_after_each_write_key_that_comes_or_goes,
                    the_last_use_of_a_write_key_stays_the_last,
                }
            }
            check_team {
                team {
                    a_team_is_none_until_it_is_set_and_then_read_back_unchanged,
                    a_team_that_is_set_leaves_nothing_of_the_one_before,
                    of_teams_that_are_set_at_once_one_stands_whole,
                }
            }
            check_access {
                accounts {
                    an_account_is_read_back_unchanged,
                    unknown_accounts_are_none,
                    an_address_has_one_account_whoever_comes_at_the_same_moment,
                    of_first_accounts_at_the_same_moment_one_is_made,
                    a_first_account_is_refused_once_there_is_any,
                    others_are_let_in_while_first_ones_come,
                    the_same_account_made_again_counts_as_made,
                    each_field_of_an_account_changes_alone,
                    a_change_of_nothing_answers_the_account,
                    changes_of_different_fields_at_the_same_moment_are_all_kept,
                    a_change_that_ends_sessions_raises_the_epoch_by_one,
                    a_hash_is_renewed_only_in_the_place_of_the_one_that_was_verified,
                    the_last_places_of_an_account_are_kept,
                    accounts_are_paged_by_address,
                    accounts_are_found_by_their_exact_address,
                    an_account_is_made_at_the_ends_of_the_calendar,
                }
                sessions {
                    a_session_is_read_back_unchanged,
                    a_session_id_is_taken_once,
                    a_session_is_saved_with_all_it_holds,
                    saving_does_not_bring_a_session_back,
                    no_save_outlives_a_deletion,
                    a_session_ends_at_its_time,
                    a_deleted_session_is_gone_and_no_other,
                    all_sessions_of_an_account_end_and_no_other,
                    all_sessions_but_the_kept_one_end,
                    the_sessions_of_an_account_come_last_to_end_first,
                    a_session_belongs_to_an_account_from_its_signing_in,
                    a_sweep_spares_sessions_that_have_not_ended,
                }
                set_up {
                    each_instance_has_a_code_and_all_go_at_once,
                    of_more_codes_than_are_kept_the_last_stay,
                }
                tokens {
                    a_token_is_read_back_unchanged,
                    each_scope_is_read_back,
                    tokens_are_listed_oldest_first,
                    a_token_is_deleted_once,
                    the_same_token_kept_again_is_fine,
                    a_tokens_hash_and_id_are_its_own,
                    the_last_use_of_a_token_stays_the_last,
                    a_sweep_spares_tokens_that_have_not_ended,
                }
                audit {
                    entries_are_read_back_unchanged_newest_first,
                    pages_of_the_trail_visit_each_entry_once,
                    the_trail_of_an_actor_is_theirs_alone,
                    the_trail_of_a_subject_is_its_alone,
                    actor_and_subject_go_together,
                    entries_recorded_again_stay_as_they_are,
                    many_entries_are_recorded_at_once,
                    a_sweep_removes_entries_from_before_and_no_others,
                    a_sweep_takes_addresses_out_of_entries_from_before_and_no_others,
                    a_sweep_without_a_limit_keeps_the_trail,
                }
            }
        }
    };
}

/// A test for each promise that is named.
#[doc(hidden)]
#[macro_export]
macro_rules! promises {
    ($open:path; $($check:ident { $($module:ident { $($promise:ident,)* })* })*) => {
        $($($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                $open().await.$check($crate::$module::$promise).await;
            }
        )*)*)*
    };
}
