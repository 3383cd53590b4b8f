//! Slow: a call that is under way for a while. The recorded server has nothing like it; tests of the shutdown need it.

use std::time::Duration;

use feathers::Method;
use feathers::app::Descriptor;
use feathers::prelude::*;

/// Answers after as many milliseconds as the id says, 10 seconds at most; sends all clients an event when it has begun.
pub(super) struct Slow;

#[async_trait]
impl Service for Slow {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Get]).events(["begun"])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let id = request.require_id()?;
        let pause = id.as_int().and_then(|pause| u64::try_from(pause).ok()).unwrap_or_default().min(10_000);
        request.app.service(request.path)?.emit("begun", json!({ "id": id }));
        tokio::time::sleep(Duration::from_millis(pause)).await;
        Ok(json!({ "id": id }).into())
    }
}
