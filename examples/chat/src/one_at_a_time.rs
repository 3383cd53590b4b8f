//! A hook that makes calls wait for each other.

use feathers::prelude::*;
use tokio::sync::Mutex;

/// Lets one call through after the other, so that no other call comes between a look and the write after it.
#[derive(Default)]
pub(crate) struct OneAtATime(Mutex<()>);

#[async_trait]
impl AroundHook for OneAtATime {
    async fn run(&self, ctx: &mut Context, next: Next<'_>) -> Result<()> {
        let _turn = self.0.lock().await;
        next.run(ctx).await
    }
}
