use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::settings::Settings;

/// The places for attempts: so many in all, and so many of each queue.
#[derive(Debug)]
pub(crate) struct Slots {
    free: Mutex<Free>,
    freed: Notify,
}

#[derive(Debug)]
struct Free {
    total: usize,
    queues: Vec<Queue>,
}

/// A queue and its free places. The name is `None` where no queue is named, and all are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) name: Option<String>,
    pub(crate) free: usize,
}

/// Where there is room for new attempts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) total: usize,
    /// By number, those with a free place.
    pub(crate) queues: Vec<(usize, Queue)>,
    /// Whether a queue has none, of which tasks may wait for one.
    pub(crate) leaves_out: bool,
}

impl Room {
    /// How many attempts there is room for.
    pub(crate) fn most(&self) -> usize {
        let free = self.queues.iter().map(|(_, queue)| queue.free);
        free.fold(0, usize::saturating_add).min(self.total)
    }

    /// Takes a place of the queue of that number. One that is full now may have more tasks than were taken.
    pub(crate) fn fill(&mut self, queue: usize) {
        let mut queues = self.queues.iter_mut();
        if let Some((_, queue)) = queues.find(|(number, _)| *number == queue) {
            queue.free = queue.free.saturating_sub(1);
            self.leaves_out |= queue.free == 0;
        }
    }
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    queue: usize,
}

impl Slots {
    pub(crate) fn new(settings: &Settings) -> Arc<Self> {
        let named = settings.queues.iter().map(|(name, limit)| Queue {
            name: Some(name.clone()),
            free: *limit,
        });
        let mut queues: Vec<_> = named.collect();
        if queues.is_empty() {
            queues.push(Queue {
                name: None,
                free: settings.concurrency,
            });
        }
        let total = settings.concurrency;
        Arc::new(Self {
            free: Mutex::new(Free { total, queues }),
            freed: Notify::new(),
        })
    }

    /// Waits for room. One who waits at a time.
    pub(crate) async fn room(&self) -> Room {
        loop {
            let room = self.room_now();
            if room.total > 0 && !room.queues.is_empty() {
                return room;
            }
            self.freed.notified().await;
        }
    }

    /// Waits for a place to become free. One who waits at a time, here and for room.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    fn room_now(&self) -> Room {
        let free = self.free();
        let queues = free.queues.iter().cloned().enumerate();
        let queues: Vec<_> = queues.filter(|(_, queue)| queue.free > 0).collect();
        Room {
            total: free.total,
            leaves_out: queues.len() < free.queues.len(),
            queues,
        }
    }

    /// Takes a place of the queue of that number, in room that was found.
    pub(crate) fn take(self: &Arc<Self>, queue: usize) -> Slot {
        let mut free = self.free();
        free.total = free.total.saturating_sub(1);
        if let Some(queue) = free.queues.get_mut(queue) {
            queue.free = queue.free.saturating_sub(1);
        }
        Slot {
            slots: Arc::clone(self),
            queue,
        }
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut free = self.slots.free();
        free.total += 1;
        if let Some(queue) = free.queues.get_mut(self.queue) {
            queue.free += 1;
        }
        drop(free);
        self.slots.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::Slots;
    use crate::settings::Settings;

    #[test]
    fn a_full_queue_leaves_room_in_the_others() {
        let slots = Slots::new(&Settings::of_tests(3, &[("mail", 1), ("video", 5)]));
        assert_eq!(slots.room_now().most(), 3);
        let mail = slots.take(0);
        let room = slots.room_now();
        assert!(room.leaves_out);
        let queues: Vec<_> = room.queues.iter().map(|(number, _)| *number).collect();
        assert_eq!((room.most(), queues), (2, vec![1]));
        drop(mail);
        assert!(slots.freed().now_or_never().is_some());
        let room = slots.room_now();
        assert_eq!((room.queues.len(), room.leaves_out), (2, false));
    }

    #[test]
    fn there_is_no_room_beyond_the_concurrency() {
        let slots = Slots::new(&Settings::of_tests(1, &[]));
        let slot = slots.take(0);
        assert!(slots.room().now_or_never().is_none());
        drop(slot);
        assert_eq!(slots.room().now_or_never().unwrap().most(), 1);
    }
}
