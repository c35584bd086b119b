//! The clients of one `Kafka`: what one finds out about the cluster, the others hear.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::engine::clients::consumer::News;

/// A client that may hear of the cluster from others.
pub(super) trait Sibling: Send + Sync {
    /// Takes it in, if it runs and has not panicked: that is not to end the teller as well. The teller hears itself, to whom it is no
    /// news.
    fn hear(&self, news: &News);
}

/// See the module's documentation. A cheap handle.
#[derive(Clone, Default)]
pub struct Siblings(Arc<Mutex<Vec<Weak<dyn Sibling>>>>);

impl Siblings {
    /// It hears the others from now on, as long as it lives.
    pub(super) fn add(&self, client: &Arc<impl Sibling + 'static>) {
        let client: Arc<dyn Sibling> = client.clone();
        let mut clients = self.lock();
        clients.retain(|client| client.strong_count() > 0);
        clients.push(Arc::downgrade(&client));
    }

    /// Not under the lock of a consumer or a producer: each of them takes its own.
    pub(super) fn tell(&self, news: &News) {
        let clients: Vec<_> = self.lock().iter().filter_map(Weak::upgrade).collect();
        clients.iter().for_each(|client| client.hear(news));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<dyn Sibling>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Counts(AtomicUsize);

    impl Sibling for Counts {
        fn hear(&self, _news: &News) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn those_that_live_hear_and_those_that_are_gone_are_forgotten() {
        let siblings = Siblings::default();
        let [here, gone] = [Arc::new(Counts::default()), Arc::new(Counts::default())];
        siblings.add(&gone);
        siblings.add(&here);
        drop(gone);
        siblings.tell(&News::default());
        assert_eq!(here.0.load(Ordering::Relaxed), 1);
        siblings.add(&here);
        assert_eq!(siblings.lock().len(), 2);
    }
}
