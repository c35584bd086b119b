//! KIP-368: a session ends, the connection goes on.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Connection;
use crate::engine::machine::LogLevel;
use crate::engine::network::deadline::within;

/// Authenticates again and again, each time before the session ends, idle or not. Ends with the connection.
pub(in crate::engine::network) async fn keep_authenticated(
    connection: Arc<Connection>,
    mut lifetime: Duration,
) {
    let context = connection.context().clone();
    let Some(sasl) = &context.sasl else { return };
    loop {
        tokio::select! {
            () = sleep(reauthenticate_after(lifetime, context.config.reauthentication_threshold)) => {}
            _ = connection.died() => return,
        }
        // Between two rounds a broker accepts nothing else on this connection.
        let Some(_quiet) = connection.quiesce().await else { return };
        match within(context.config.opening_timeout(), sasl.authenticate(&connection)).await {
            Ok(Ok(Some(next))) => {
                lifetime = next;
                continue;
            }
            Ok(Ok(None)) => return,
            // A refusal, too: no connection may change its principal, and what hands out roles gives each its own name. A new
            // connection may be let in, or hears whether the credentials are wrong.
            Ok(Err(_)) => {}
            Err(_) => connection.log(LogLevel::Error, "SASL re-authentication timed out"),
        }
        connection.kill(connection.closed());
        return;
    }
}

/// When `threshold` is left; when that is not the smaller part of the lifetime, at 85 % of it. A broker ignores
/// more than one attempt a second.
fn reauthenticate_after(lifetime: Duration, threshold: Duration) -> Duration {
    let after = if threshold < lifetime / 2 { lifetime - threshold } else { lifetime.mul_f64(0.85) };
    after.max(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_counts_unless_it_is_most_of_the_lifetime() {
        let after = |lifetime, threshold| {
            reauthenticate_after(Duration::from_millis(lifetime), Duration::from_millis(threshold))
        };
        assert_eq!(after(3_600_000, 10_000).as_millis(), 3_590_000);
        assert_eq!(after(20_001, 10_000).as_millis(), 10_001);
        assert_eq!(after(20_000, 10_000).as_millis(), 17_000);
        assert_eq!(after(3_000, 10_000).as_millis(), 2_550);
        assert_eq!(after(3_000, 0).as_millis(), 3_000);
        assert_eq!(after(10, 10_000).as_millis(), 1_000);
    }
}
