//! From `host:port` to a byte stream: names, addresses, TCP and TLS; and errors in Node's and kafkajs's words.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::engine::machine::NetError;

use super::deadline::{Deadline, Late};
use super::lookup::{Lookups, lookup_error};
use super::tls::{Tls, Wrapping};

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Name, IPv4, or IPv6 with or without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Address {
    /// `host:port`, the name that errors and events give a broker.
    pub fn broker(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host without the brackets of an IPv6 literal.
    pub(super) fn bare_host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }
}

/// A connection's bytes, in clear.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Any stream.
pub type BoxStream = Box<dyn Stream>;

/// What a connection is made over.
pub enum Wire {
    /// Plain TCP: what is written are the request's own bytes, and any thread may write them.
    Socket(TcpStream),
    /// Anything else, which only the connection's task reads and writes.
    Stream(BoxStream),
}

/// Makes byte streams. The one production dialer is [`TcpDialer`]; tests bring streams in memory.
pub trait Dial: Send + Sync {
    /// Connects to `address`. `attempt` counts the attempts made so far, to try another address of the name first.
    fn dial<'a>(
        &'a self,
        address: &'a Address,
        attempt: usize,
    ) -> Pin<Box<dyn Future<Output = Result<Wire, NetError>> + Send + 'a>>;
}

/// TCP, and TLS over it if configured.
pub(super) struct TcpDialer {
    pub(super) connection_timeout: Duration,
    pub(super) lookups: Arc<Lookups>,
    pub(super) tls: Wrapping,
}

impl Dial for TcpDialer {
    fn dial<'a>(
        &'a self,
        address: &'a Address,
        attempt: usize,
    ) -> Pin<Box<dyn Future<Output = Result<Wire, NetError>> + Send + 'a>> {
        Box::pin(self.connect(address, attempt))
    }
}

impl TcpDialer {
    /// Tries all addresses of the name (KIP-302/602), each for at most the connection timeout.
    async fn connect(&self, address: &Address, attempt: usize) -> Result<Wire, NetError> {
        let tls = self.tls.current();
        let endpoint = match &tls {
            Some(tls) => tls.endpoint(address),
            None => address.clone(),
        };
        let mut targets = self.lookups.addresses(address, &endpoint, self.connection_timeout).await?;
        if !targets.is_empty() {
            let first = attempt % targets.len();
            targets.rotate_left(first);
        }

        let mut last = lookup_error(address, &endpoint, &io::ErrorKind::NotFound.into());
        for target in targets {
            match self.connect_to(address, SocketAddr::new(target, endpoint.port), tls.as_deref()).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_to(
        &self,
        address: &Address,
        target: SocketAddr,
        tls: Option<&Tls>,
    ) -> Result<Wire, NetError> {
        let mut deadline = Deadline::after(self.connection_timeout);
        let late = |Late| connection_timeout(address);
        let stream = deadline.meet(reach(address, target)).await.map_err(late)??;
        let Some(tls) = tls else { return Ok(Wire::Socket(stream)) };
        let stream = deadline.meet(tls.shake_hands(address, stream)).await.map_err(late)??;
        // Not by this deadline: that JavaScript is busy says nothing about the broker.
        tls.identify(address, stream).await.map(Wire::Stream)
    }
}

/// TCP.
async fn reach(address: &Address, target: SocketAddr) -> Result<TcpStream, NetError> {
    let connect = async {
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        let keepalive = socket2::TcpKeepalive::new().with_time(KEEPALIVE);
        socket2::SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        Ok(stream)
    };
    connect.await.map_err(|error: io::Error| {
        let code = node_code(&error);
        let reason = match code {
            Some(code) => format!("connect {code} {target}"),
            None => format!("connect {target}: {error}"),
        };
        connect_error(address, code, reason)
    })
}

/// kafkajs's `Connection error: …`.
pub(super) fn connect_error(
    address: &Address,
    code: Option<&'static str>,
    reason: impl std::fmt::Display,
) -> NetError {
    let (code, message) = (code.map(Into::into), format!("Connection error: {reason}"));
    NetError::Connect { broker: address.broker(), code, message }
}

/// kafkajs's `Connection timeout`.
pub(super) fn connection_timeout(address: &Address) -> NetError {
    NetError::Connect { broker: address.broker(), code: None, message: "Connection timeout".to_owned() }
}

/// The name that Node gives a system error.
pub fn node_code(error: &io::Error) -> Option<&'static str> {
    // These have no kind. Their numbers are the same wherever there are such.
    match error.raw_os_error() {
        Some(23) if cfg!(unix) => return Some("ENFILE"),
        Some(24) if cfg!(unix) => return Some("EMFILE"),
        _ => {}
    }
    Some(match error.kind() {
        // Of threads.
        io::ErrorKind::WouldBlock => "EAGAIN",
        io::ErrorKind::OutOfMemory => "ENOMEM",
        io::ErrorKind::ConnectionRefused => "ECONNREFUSED",
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => "ECONNRESET",
        io::ErrorKind::ConnectionAborted => "ECONNABORTED",
        io::ErrorKind::BrokenPipe => "EPIPE",
        io::ErrorKind::TimedOut => "ETIMEDOUT",
        io::ErrorKind::HostUnreachable => "EHOSTUNREACH",
        io::ErrorKind::NetworkUnreachable => "ENETUNREACH",
        io::ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
        _ => return None,
    })
}

/// As kafkajs's default socket factory.
const KEEPALIVE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::network::TlsConfig;
    use crate::engine::network::UnknownName;
    use crate::engine::network::events::{Events, NetworkEvent};
    use crate::engine::network::identity::Identities;
    use std::borrow::Cow;
    use tokio::net::TcpListener;

    async fn dial(host: &str, port: u16, connection_timeout: Duration) -> Result<Wire, NetError> {
        let lookups = Arc::new(Lookups::new(Events::new("", |_| {}), false));
        let dialer = TcpDialer { connection_timeout, lookups, tls: Wrapping::default() };
        dialer.dial(&Address { host: host.to_owned(), port }, 1).await
    }

    fn parts(result: Result<Wire, NetError>) -> (Option<Cow<'static, str>>, String) {
        match result.err() {
            Some(NetError::Connect { code, message, .. }) => (code, message),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn every_address_of_a_name_is_tried() {
        // `localhost` may be ::1 as well, an address on which the broker does not listen.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["localhost", "127.0.0.1"] {
            dial(host, port, Duration::from_secs(30)).await.unwrap();
            listener.accept().await.unwrap();
        }
    }

    #[tokio::test]
    async fn names_are_asked_outside_if_wanted_and_addresses_are_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, mut asked) = tokio::sync::mpsc::unbounded_channel();
        let lookups = Arc::new(Lookups::new(Events::new("", move |event| tell.send(event).unwrap()), true));
        let answering = lookups.clone();
        tokio::spawn(async move {
            while let Some(NetworkEvent::LookUp { lookup, host }) = asked.recv().await {
                let unknown = UnknownName { message: format!("no {host}"), code: Some("ENONE".to_owned()) };
                let known = host == "only.brokers.know";
                let answer = known.then(|| vec!["127.0.0.1".parse().unwrap()]);
                answering.answer(lookup, answer.ok_or(unknown));
            }
        });
        let dialer =
            TcpDialer { connection_timeout: Duration::from_secs(30), lookups, tls: Wrapping::default() };
        for host in ["only.brokers.know", "127.0.0.1", "[127.0.0.1]"] {
            dialer.dial(&Address { host: host.to_owned(), port }, 0).await.map(drop).unwrap();
        }
        let nowhere = dialer.dial(&Address { host: "b".to_owned(), port }, 0).await;
        assert_eq!(parts(nowhere), (Some("ENONE".into()), "Connection error: no b".to_owned()));
    }

    #[tokio::test]
    async fn ipv6_literals_come_with_and_without_brackets() {
        let Ok(listener) = TcpListener::bind("[::1]:0").await else { return };
        let port = listener.local_addr().unwrap().port();
        for host in ["::1", "[::1]"] {
            dial(host, port, Duration::from_secs(30)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_handshake_that_stalls_is_a_connection_timeout() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lenient = TlsConfig { reject_unauthorized: false, ..TlsConfig::default() };
        let events = Events::new("", |_| {});
        let tls = Wrapping::default();
        tls.replace(Tls::new(&lenient, Arc::new(Identities::new(events.clone()))).unwrap());
        let lookups = Arc::new(Lookups::new(events, false));
        let dialer = TcpDialer { connection_timeout: Duration::from_millis(50), lookups, tls };
        let address = Address { host: "127.0.0.1".to_owned(), port };
        assert_eq!(parts(dialer.dial(&address, 0).await), (None, "Connection timeout".to_owned()));
    }

    #[tokio::test]
    async fn failures_have_nodes_codes_and_words() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let message = format!("Connection error: connect ECONNREFUSED 127.0.0.1:{port}");
        let refused = dial("127.0.0.1", port, Duration::from_secs(30)).await;
        assert_eq!(parts(refused), (Some("ECONNREFUSED".into()), message));
        let (code, message) = parts(dial("no-such-host.invalid", port, Duration::from_secs(30)).await);
        let code = code.unwrap();
        // Without a name server the answer is "try again".
        assert!(["ENOTFOUND", "EAI_AGAIN"].contains(&&*code));
        assert_eq!(message, format!("Connection error: getaddrinfo {code} no-such-host.invalid"));
    }
}
