//! Callers: whether the caller still waits for the answer of a call.

use std::future::Future;

tokio::task_local! {
    static GONE: ();
}

/// Tells whether the call that runs now is only finished in the background, because its caller has gone away.
///
/// It is for costly work that has not begun yet, such as a hash of a password: its result is not needed any more.
pub fn caller_has_gone() -> bool {
    GONE.try_with(|()| ()).is_ok()
}

/// Runs the rest of a call whose caller has gone.
pub(super) fn without_caller<F: Future>(work: F) -> impl Future<Output = F::Output> {
    GONE.scope((), work)
}
