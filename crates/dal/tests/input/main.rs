//! What every operation makes of hostile input: a sensible answer, or an error that names the argument; and nothing is
//! changed, nor left that could not be read back.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

/// Calls by name, for [`assert_each`](crate::scene::assert_each).
macro_rules! calls {
    ($($name:literal: $call:expr),+ $(,)?) => {
        vec![$($crate::scene::Call {
            name: $name,
            answer: Box::pin(async move { $crate::scene::shown($call.await) }),
        }),+]
    };
}

mod every;
mod ids;
mod json;
mod many;
mod numbers;
mod scene;
mod stored;
mod texts;

#[path = "../support/accessors.rs"]
mod accessors;
#[path = "../support/run.rs"]
mod run;

use ids::{an_id_given_twice_counts_once, an_unknown_id_is_not_found};
use json::{json_comes_back_as_it_went_in, json_that_cannot_be_kept_is_refused};
use many::two_hundred_thousand_ids_are_a_batch_like_any;
use numbers::{
    a_cut_off_may_be_at_either_end_of_time, a_delay_beyond_a_century_is_refused,
    a_limit_is_zero_or_more,
};
use stored::{
    a_stored_text_that_is_no_status_is_named, what_only_other_software_can_write_is_an_error,
};
use texts::{
    a_name_is_neither_empty_nor_endless, a_nul_character_is_refused_wherever_it_is,
    an_endless_error_or_reason_is_refused,
};

taskbox_test_support::suite! {
    an_unknown_id_is_not_found,
    an_id_given_twice_counts_once,
    two_hundred_thousand_ids_are_a_batch_like_any,
    a_limit_is_zero_or_more,
    a_delay_beyond_a_century_is_refused,
    a_cut_off_may_be_at_either_end_of_time,
    a_nul_character_is_refused_wherever_it_is,
    a_name_is_neither_empty_nor_endless,
    an_endless_error_or_reason_is_refused,
    json_that_cannot_be_kept_is_refused,
    json_comes_back_as_it_went_in,
    a_stored_text_that_is_no_status_is_named,
    what_only_other_software_can_write_is_an_error,
}
