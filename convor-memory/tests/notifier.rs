//! The memory notifier collects what it is told.

use convor::domain::Notification;
use convor::ids::{OutboxId, TenantId};
use convor::ports::Notifier;
use convor_memory::MemoryNotifier;
use uuid::Uuid;

#[tokio::test]
async fn it_collects_what_it_is_told_and_fails_on_request() {
    let notifier = MemoryNotifier::new();
    let tenant = TenantId::from(Uuid::from_u128(1));
    let waiting = Notification::MessageWaiting { conversation: Uuid::from_u128(2).into() };
    let id = |n| OutboxId::from(Uuid::from_u128(n));
    notifier.fail_next(1);
    assert!(notifier.notify(tenant, id(3), &waiting).await.is_err(), "as it was asked to");
    for n in [3, 4] {
        notifier.notify(tenant, id(n), &waiting).await.expect("delivered");
    }
    let told: Vec<_> =
        notifier.take().into_iter().map(|told| (told.tenant, told.id, told.notification)).collect();
    assert_eq!(told, [(tenant, id(3), waiting), (tenant, id(4), waiting)]);
    assert_eq!(notifier.take(), [], "what was taken is gone");
}
