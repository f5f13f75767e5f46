//! What somebody on another thread answers, and the places that the work takes until then.

use std::sync::Arc;

use ruleward_types::{Error, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Places among the requests that are worked on. They go along with the work: a client that hangs
/// up does not end it, and must not make room for more.
#[derive(Debug, Default)]
pub(crate) struct Places(Vec<OwnedSemaphorePermit>);

impl Places {
    pub(crate) async fn take(&mut self, of: Arc<Semaphore>) -> Result<()> {
        let closed = |error| Error::internal("no more requests are taken", error);
        self.0.push(of.acquire_owned().await.map_err(closed)?);
        Ok(())
    }
}

/// To be sent once, from any thread.
#[derive(Debug)]
pub(crate) struct Reply<T> {
    sender: oneshot::Sender<Result<T>>,
    places: Places,
}

impl<T> Reply<T> {
    /// Answers, and gives the places back.
    pub(crate) fn send(self, outcome: Result<T>) {
        drop(self.places);
        // The client may have hung up.
        let _ = self.sender.send(outcome);
    }
}

/// Starts work that replies, here or elsewhere, and waits for what it says.
pub(crate) async fn answered<T>(places: Places, work: impl FnOnce(Reply<T>)) -> Result<T> {
    let (sender, told) = oneshot::channel();
    work(Reply { sender, places });
    // Nobody replies where the work panicked, which its thread has reported.
    told.await.unwrap_or_else(|error| Err(Error::internal("the work on a request ended", error)))
}

/// The same on a thread that may block, in the request's span.
pub(crate) async fn blocking<T: Send + 'static>(
    places: Places,
    work: impl FnOnce(Reply<T>) + Send + 'static,
) -> Result<T> {
    let span = tracing::Span::current();
    answered(places, move |reply| {
        drop(tokio::task::spawn_blocking(move || span.in_scope(|| work(reply))));
    })
    .await
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use ruleward_types::ErrorCode;

    use super::*;
    use crate::error;

    #[tokio::test]
    async fn a_panic_is_an_error_whose_words_stay_inside() {
        let error =
            blocking::<()>(Places::default(), |_| panic!("secret words")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Internal);
        assert!(error.cause().is_some());
        assert!(!error.message().contains("secret"));
        let response = error::response(&error);
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[tokio::test]
    async fn places_are_taken_until_the_reply() {
        let all = Arc::new(Semaphore::new(1));
        let mut places = Places::default();
        places.take(Arc::clone(&all)).await.unwrap();
        let (hand, later) = std::sync::mpsc::channel();
        let waiting = tokio::spawn(blocking::<u8>(places, move |reply| hand.send(reply).unwrap()));
        let reply = tokio::task::spawn_blocking(move || later.recv().unwrap()).await.unwrap();
        assert_eq!(all.available_permits(), 0);
        reply.send(Ok(7));
        assert_eq!(waiting.await.unwrap().unwrap(), 7);
        assert_eq!(all.available_permits(), 1);
    }
}
