//! Whatever a cursor or a limit says, a list answers or refuses it.

use convor::service::InboxFilter;
use proptest::prelude::*;

use crate::stage::Stage;

#[test]
fn no_cursor_and_no_limit_makes_a_list_fail() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let stage = runtime.block_on(async {
        let stage = Stage::new().await;
        stage.open("Hello").await;
        stage
    });
    let cursors = prop_oneof!["[+-]?[0-9a-f]{0,20}\\.[0-9a-f-]{36}", ".*"];
    proptest!(|(cursor in cursors, limit in prop::option::of(0..300_usize), staff: bool)| {
        let principal = if staff { stage.operator } else { stage.visitor };
        let list = stage.chat.conversations(&principal, InboxFilter::default(), Some(&cursor), limit);
        match runtime.block_on(list) {
            Ok(list) => prop_assert!(list.conversations.len() <= 1),
            Err(error) => prop_assert!(["invalid_cursor", "invalid_request"].contains(&error.code())),
        }
    });
}
