//! The contract that every store keeps: each claim is a test of its own for each store.
//! A claim that is not in the list below is dead code, and the build says so.

mod access;
mod agree;
mod append;
mod copy;
mod read;
mod rows;
pub(crate) mod sample;
mod side;
mod work;

pub(crate) use sample::Dir;

use crate::{MemStore, SqliteStore};

/// A PostgreSQL server of the tests.
#[path = "../tests/support/cluster.rs"]
pub(crate) mod cluster;
#[path = "../tests/support/pooler.rs"]
pub(crate) mod pooler;

macro_rules! contract {
    ($($noun:ident { $($claim:ident)* })*) => {
        mod mem {
            $($(#[test] fn $claim() { super::$noun::$claim(&mut super::MemStore::default()); })*)*
        }
        mod sqlite {
            $($(#[test] fn $claim() {
                let dir = super::Dir::new();
                super::$noun::$claim(&mut super::SqliteStore::open(dir.path("gateline.db")).unwrap());
            })*)*
        }
        mod postgres {
            $($(#[test] fn $claim() {
                let database = super::cluster::Database::new();
                super::$noun::$claim(&mut super::sample::postgres(&database));
            })*)*
        }
    };
}

contract! {
    access {
        a_password_comes_with_its_event_and_is_replaced
        a_changed_password_ends_the_sessions_of_its_account
        a_session_is_found_by_its_hash_and_used
        sessions_end_one_by_one_all_together_and_when_they_are_stale
        an_actor_has_so_many_sessions_and_the_oldest_goes
    }
    append {
        a_new_store_is_empty
        events_get_gap_free_numbers_and_versions
        an_append_of_several_streams_is_one
        a_stale_item_does_not_fail_its_neighbours
        an_append_sees_what_its_batch_did_before
        streams_that_were_only_read_are_checked
        the_same_key_twice_returns_the_first_range
        an_append_without_events_takes_its_key_too
        a_key_with_another_request_is_refused
        what_comes_after_its_last_moment_is_not_recorded
        a_refused_append_leaves_its_key_free
        a_key_is_forgotten_after_seven_days
        time_never_goes_backwards
        times_are_whole_microseconds
        a_clock_beyond_what_the_log_can_tell_is_refused
        a_batch_over_its_limit_is_refused_whole
        leaves_cover_what_was_recorded
    }
    work {
        due_work_is_leased_the_longest_free_first
        work_that_is_leased_is_not_leased_again
        an_expired_lease_can_be_taken_over
        a_lost_fence_is_refused_and_nothing_of_it_is_kept
        a_zombie_with_the_old_fence_is_refused
        a_fence_is_never_given_twice
        a_fence_is_good_for_one_append
        work_that_is_still_planned_is_left_alone
        work_that_is_not_planned_any_more_is_gone
        work_that_is_removed_and_added_starts_afresh
        an_append_ends_the_lease_that_it_was_made_under
        a_lease_is_given_back_and_extended
        a_lost_lease_is_neither_given_back_nor_extended
        work_never_starts_early
    }
    read {
        the_log_is_read_in_pages
        a_stream_is_read_after_a_version
        search_filters
        search_pages_newest_first
        a_prefix_takes_only_what_begins_so
        a_prefix_finds_the_newest_and_what_is_long_past
        numbers_beyond_the_end_find_nothing
        raw_events_read_and_hash_as_what_was_recorded
    }
    rows {
        promotions_are_replaced_and_found
        releases_are_replaced_and_found
        rows_are_paged_without_gaps
        a_rebuild_replaces_rows_and_leaves_planned_work_its_lease
    }
    side {
        ticks_are_put_once
        the_root_of_ticks_does_not_depend_on_their_chunks
        ticks_of_rollouts_are_apart
        a_sample_of_ticks_has_its_ends_and_no_more_than_was_asked_for
        a_tick_that_would_not_read_back_is_refused
        content_is_kept_by_digest
        content_is_read_back_in_pieces
        content_of_an_append_that_is_refused_is_not_kept
        erasing_keeps_root_leaves_and_bodies
        trying_to_write_changes_nothing
        a_text_goes_with_the_event_that_says_so
    }
}
