//! Operators who are not there are told that somebody has written.

use std::sync::Arc;
use std::time::Duration;

use convor::domain::Notification;
use convor::ids::{OutboxId, TenantId};
use convor::ports::{Notifier, NotifyError};
use convor::protocol::OpenRequest;
use convor::{Limits, async_trait};
use convor_memory::MemoryNotifier;
use mockall::mock;

use crate::stage::{Stage, id, message};

mock! {
    #[derive(Debug)]
    Deaf {}

    #[async_trait]
    impl Notifier for Deaf {
        async fn notify(
            &self,
            tenant: TenantId,
            id: OutboxId,
            notification: &Notification,
        ) -> Result<(), NotifyError>;
    }
}

async fn stage() -> (Stage, Arc<MemoryNotifier>) {
    let notifier = Arc::new(MemoryNotifier::new());
    let stage = Stage::with(|chat| chat.notifier(Arc::clone(&notifier) as _)).await;
    (stage, notifier)
}

#[tokio::test(start_paused = true)]
async fn a_notification_that_fails_is_tried_again_after_its_lease_and_settled_once_delivered() {
    let (stage, notifier) = stage().await;
    let lease = Limits::default().notification_lease;
    let conversation = stage.open("Is anybody there?").await;
    notifier.fail_next(1);
    stage.chat.work().await.expect("work");
    assert!(notifier.take().is_empty(), "the first try has failed");

    stage.clock.advance(lease - Duration::from_millis(1));
    stage.chat.work().await.expect("work");
    assert!(notifier.take().is_empty(), "it is held for its lease");

    stage.clock.advance(Duration::from_millis(1));
    stage.chat.work().await.expect("work");
    let delivered = notifier.take();
    let told: Vec<_> = delivered.iter().map(|one| (one.tenant, one.notification)).collect();
    assert_eq!(told, [(stage.tenant, Notification::MessageWaiting { conversation })]);

    stage.clock.advance(lease * 2);
    stage.chat.work().await.expect("work");
    assert!(notifier.take().is_empty(), "what was delivered does not come again");
}

/// By its id a receiver recognises what it has been told already.
#[tokio::test(start_paused = true)]
async fn each_try_of_a_notification_has_the_same_id() {
    let (told, mut tells) = tokio::sync::mpsc::unbounded_channel();
    let mut deaf = MockDeaf::new();
    deaf.expect_notify().times(3).returning(move |_, id, _| {
        told.send(id).map_err(|_| NotifyError::default())?;
        Err(NotifyError::default())
    });
    let stage = Stage::with(|chat| chat.notifier(Arc::new(deaf))).await;
    stage.open("Is anybody there?").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        stage.chat.work().await.expect("work");
        ids.push(tells.recv().await.expect("a try"));
        stage.clock.advance(Limits::default().notification_lease);
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_owed_for_a_conversation_in_which_nothing_is_said() {
    let (stage, notifier) = stage().await;
    let silent = OpenRequest { client_id: id(7), subject: None, first_message: None };
    stage.chat.open(&stage.visitor, silent).await.expect("a conversation");
    stage.chat.work().await.expect("work");
    assert!(notifier.take().is_empty(), "nobody waits for an answer");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_owed_while_an_operator_is_there_or_to_an_operator_who_writes() {
    let (stage, notifier) = stage().await;
    let mut anna = stage.connect(stage.operator).await;
    let conversation = stage.open("Hello").await;
    anna.heard().await;
    stage.chat.post(&stage.operator, conversation, message(3, "Hello!")).await.expect("a message");
    drop(anna);
    stage.chat.work().await.expect("work");
    assert!(notifier.take().is_empty());
}
