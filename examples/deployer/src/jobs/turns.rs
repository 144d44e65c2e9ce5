//! Queues: jobs that do the same kind of work take turns.

use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use futures::future::{self, BoxFuture};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A queue of jobs. The first job has the turn.
#[derive(Debug, Default)]
pub(super) struct Turns(Arc<Mutex<()>>);

/// A place in the queue: a future that completes when it is the job's turn. The job has its turn
/// until it drops the result. Dropping the future leaves the queue.
pub(super) type Place = BoxFuture<'static, Turn>;
/// The turn.
pub(super) type Turn = OwnedMutexGuard<()>;

impl Turns {
    /// Takes the last place in the queue immediately, before the place is awaited. Two jobs
    /// therefore have their turns in the order in which they were submitted.
    pub(super) async fn join(&self) -> Place {
        let mut place = self.0.clone().lock_owned().boxed();
        // A tokio mutex is fair from the first poll. Without `unconstrained`, a task that has done
        // much work would not poll here.
        let first = tokio::task::unconstrained(future::poll_fn(|context| {
            Poll::Ready(place.poll_unpin(context))
        }));
        match first.await {
            Poll::Ready(turn) => future::ready(turn).boxed(),
            Poll::Pending => place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_have_the_order_of_the_places() {
        let turns = Turns::default();
        let (first, second, third) = (turns.join().await, turns.join().await, turns.join().await);
        let third = tokio::spawn(async move { drop(third.await) });
        tokio::task::yield_now().await;
        let turn = first.await;
        assert!(!third.is_finished());
        drop(turn);
        // The second place has the turn although nobody awaits it. When it is dropped, the next one
        // has the turn.
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(second);
        third.await.unwrap();
    }

    #[tokio::test]
    async fn many_places_are_taken_at_once() {
        let turns = Turns::default();
        let mut places = Vec::new();
        for _ in 0..1000 {
            places.push(turns.join().await);
        }
        for place in places.into_iter().rev().skip(1) {
            drop(place);
        }
        // The queue is empty.
        drop(turns.join().await.await);
    }
}
