//! Whose turn it is: jobs that do the same kind of work do it one after the other.

use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use futures::future::{self, BoxFuture};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A queue of jobs; the first of them has the turn.
#[derive(Debug, Default)]
pub(super) struct Turns(Arc<Mutex<()>>);

/// A place in the queue: whoever waits for it to come has the turn as long as it keeps what it
/// gets. Dropped, it makes room for the next one.
pub(super) type Place = BoxFuture<'static, Turn>;
/// The turn.
pub(super) type Turn = OwnedMutexGuard<()>;

impl Turns {
    /// Takes the last place in the queue, at once: not only when it is waited for, so that two jobs
    /// have their turns in the order in which they were asked for.
    pub(super) async fn join(&self) -> Place {
        let mut place = self.0.clone().lock_owned().boxed();
        // A mutex of tokio is fair from the first poll on; but a task that did much may not poll.
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
    async fn turns_come_in_the_order_of_the_places_whoever_waits_first() {
        let turns = Turns::default();
        let (first, second, third) = (turns.join().await, turns.join().await, turns.join().await);
        let third = tokio::spawn(async move { drop(third.await) });
        tokio::task::yield_now().await;
        let turn = first.await;
        assert!(!third.is_finished());
        drop(turn);
        // It has the turn before it is waited for; without it, the next one has.
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
        // Nobody is left.
        drop(turns.join().await.await);
    }
}
