//! What a ledger does, whatever database is under it.

pub mod reading;
pub mod tampering;
pub mod writing;

/// Makes a test of every behaviour; `$place` is an async function that returns a `Place`, or none where
/// its database is not at hand. The soundness of a ledger on SQLite is asserted then.
#[macro_export]
macro_rules! behaviours {
    ($place:ident) => {
        $crate::behaviours!(@tests $place,
            reading: a_life_is_appended_and_read_back, every_view_tells_the_life,
            proofs_hold_between_every_two_checkpoints,
            what_cannot_be_a_leaf_is_refused_and_leaves_no_trace, errors_can_be_told_apart,
            a_ledger_is_reopened_by_its_origin_and_key_only, a_taken_id_stays_with_what_it_stands_for;
            writing: two_handles_append_at_once, ten_thousand_events_in_batches_of_a_hundred,
            views_are_rebuilt_to_the_same_rows, an_export_is_checked_without_the_database,
            objects_are_what_their_digest_says;
            tampering: a_sound_ledger_has_no_problem, every_changed_byte_of_the_log_is_found,
            changed_columns_and_missing_rows_are_named, a_cut_tail_is_found_with_a_checkpoint_from_elsewhere,
            a_rewritten_ledger_is_found_with_a_checkpoint_from_elsewhere,
            nothing_is_signed_on_top_of_a_changed_tree, a_changed_view_is_reported_and_rebuilt;
        );
    };
    (@tests $place:ident, $($module:ident: $($name:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $name() {
                match $place().await {
                    Some(place) => behaviours::$module::$name(&place).await,
                    None => behaviours::tampering::a_sound_ledger_has_no_problem(&Place::sqlite()).await,
                }
            }
        )+)+
    };
}
