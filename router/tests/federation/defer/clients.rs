//! Clients that take answers in parts.

use crate::reference_clients::play;

#[tokio::test]
async fn clients_take_answers_in_parts() {
    play("deferred.mjs").await;
}
