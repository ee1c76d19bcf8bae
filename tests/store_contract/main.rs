//! What every store promises, written once and checked on each of them, and
//! what a MongoDB store promises besides.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod homes;
mod journeys;
mod mongo;
#[path = "../mongod/mod.rs"]
mod mongod;
mod paging;
mod preparing;
mod samples;
mod writing;

/// Runs each promise on each store. A promise is an `async fn(Arc<dyn Store>)`.
macro_rules! contract {
    ($($module:ident { $($promise:ident,)* })*) => {
        mod on_mongo {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::homes::open_mongo().await.run(crate::$module::$promise).await;
                }
            )*)*
        }

        mod on_embedded {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::homes::open_embedded().await.run(crate::$module::$promise).await;
                }
            )*)*
        }
    };
}

contract! {
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
        events_that_come_later_do_not_shift_pages,
    }
    preparing {
        preparing_again_changes_nothing,
        preparing_at_the_same_time_is_fine,
    }
}
