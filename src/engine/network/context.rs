//! What all connections of one network share.

use std::sync::Arc;

use tokio::sync::watch;

use super::config::NetworkConfig;
use super::dial::Dial;
use super::events::Events;
use super::identity::Identities;
use super::sasl::Sasl;

pub(super) struct Context {
    pub(super) config: NetworkConfig,
    pub(super) events: Events,
    pub(super) dialer: Box<dyn Dial>,
    pub(super) sasl: Option<Sasl>,
    pub(super) identities: Arc<Identities>,
    /// Every task holds a receiver: no receiver left = every task has ended.
    tasks: watch::Sender<()>,
}

impl Context {
    pub(super) fn new(
        config: NetworkConfig,
        events: Events,
        dialer: Box<dyn Dial>,
        identities: Arc<Identities>,
    ) -> Arc<Context> {
        let sasl = config.sasl.clone().map(Sasl::new);
        Arc::new(Context { config, events, dialer, sasl, identities, tasks: watch::Sender::new(()) })
    }

    /// Spawns a task that [`Context::all_ended`] waits for.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> tokio::task::AbortHandle {
        let alive = self.tasks.subscribe();
        tokio::spawn(async move {
            let _alive = alive;
            task.await;
        })
        .abort_handle()
    }

    pub(super) async fn all_ended(&self) {
        self.tasks.closed().await;
    }
}
