//! What all connections of one network share.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::closings::Closings;
use super::config::NetworkConfig;
use super::dial::Dial;
use super::events::Events;
use super::identity::Identities;
use super::lookup::Lookups;
use super::sasl::Sasl;
use super::tls::Wrapping;
use super::unreachable::Unreachable;

/// What is asked outside, or comes from there.
pub(super) struct Outside {
    pub(super) tls: Wrapping,
    pub(super) identities: Arc<Identities>,
    pub(super) lookups: Arc<Lookups>,
}

impl Outside {
    pub(super) fn new(config: &NetworkConfig, events: &Events) -> Outside {
        Outside {
            tls: Wrapping::default(),
            identities: Arc::new(Identities::new(events.clone())),
            lookups: Arc::new(Lookups::new(events.clone(), config.lookup)),
        }
    }
}

pub(super) type Clock = Box<dyn Fn() -> Instant + Send + Sync>;

pub(super) struct Context {
    pub(super) config: NetworkConfig,
    pub(super) events: Events,
    pub(super) dialer: Box<dyn Dial>,
    pub(super) sasl: Option<Sasl>,
    pub(super) outside: Outside,
    pub(super) unreachable: Unreachable,
    pub(super) closings: Closings,
    /// The time of the brokers, see [`clock`](super::clock). For what tokio is to wait for it has its own.
    pub(super) clock: Clock,
    /// Every task holds a receiver: no receiver left = every task has ended.
    tasks: watch::Sender<()>,
}

impl Context {
    pub(super) fn new(
        config: NetworkConfig,
        events: Events,
        dialer: Box<dyn Dial>,
        outside: Outside,
        clock: Clock,
    ) -> Arc<Context> {
        let sasl = config.sasl.clone().map(Sasl::new);
        let (unreachable, closings) = (Unreachable::default(), Closings::default());
        let tasks = watch::Sender::new(());
        Arc::new(Context { config, events, dialer, sasl, outside, unreachable, closings, clock, tasks })
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
