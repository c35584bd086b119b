//! The other side: a dialer that hands the far end of each stream to the test, and a broker that the test plays by hand.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages as wire;
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::engine::machine::LogLevel;
use crate::engine::machine::NetError;
use crate::engine::network::dial::{Address, BoxStream, Dial, Wire, connect_error};
use crate::engine::network::{Network, NetworkConfig, NetworkEvent};
use crate::engine::protocol::ApiKey;
use crate::engine::protocol::api_versions::HANDSHAKE;
use crate::engine::protocol::metadata::MetadataBroker;

/// A network whose streams end in the test.
pub(in crate::engine) struct World {
    pub(in crate::engine) network: Network,
    pub(in crate::engine) refuse: Arc<AtomicBool>,
    pub(in crate::engine) dials: Arc<Mutex<Vec<Instant>>>,
    /// For how long the computer was asleep: timers stood still, and the brokers did not.
    pub(in crate::engine) asleep: Arc<Mutex<Duration>>,
    accepted: mpsc::UnboundedReceiver<Peer>,
    events: mpsc::UnboundedReceiver<NetworkEvent>,
}

struct FakeDialer {
    tcp: bool,
    refuse: Arc<AtomicBool>,
    dials: Arc<Mutex<Vec<Instant>>>,
    accept: mpsc::UnboundedSender<Peer>,
}

impl Dial for FakeDialer {
    fn dial<'a>(
        &'a self,
        address: &'a Address,
        _attempt: usize,
    ) -> Pin<Box<dyn Future<Output = Result<Wire, NetError>> + Send + 'a>> {
        Box::pin(async {
            self.dials.lock().unwrap().push(Instant::now());
            if self.refuse.load(Ordering::Relaxed) {
                return Err(connect_error(address, Some("ECONNREFUSED"), "connect ECONNREFUSED"));
            }
            let broker = address.broker();
            let (ours, peer) = if self.tcp {
                let (ours, theirs) = tcp().await;
                let theirs = theirs.into_std().unwrap();
                let socket = theirs.try_clone().ok();
                let stream = Box::new(TcpStream::from_std(theirs).unwrap());
                (Wire::Socket(ours), Peer { broker, stream, socket })
            } else {
                let (ours, theirs) = tokio::io::duplex(64 << 10);
                (Wire::Stream(Box::new(ours)), Peer { broker, stream: Box::new(theirs), socket: None })
            };
            let _ = self.accept.send(peer);
            Ok(ours)
        })
    }
}

/// A connection of this process's with itself.
pub(in crate::engine) async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (ours, listener.accept().await.unwrap().0)
}

impl World {
    pub(in crate::engine) fn new(config: NetworkConfig) -> World {
        World::over(false, config)
    }

    fn over(tcp: bool, config: NetworkConfig) -> World {
        let (accept, accepted) = mpsc::unbounded_channel();
        let (tell, events) = mpsc::unbounded_channel();
        let (refuse, dials) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Vec<Instant>>>::default());
        let dialer = FakeDialer { tcp, refuse: refuse.clone(), dials: dials.clone(), accept };
        let asleep = Arc::<Mutex<Duration>>::default();
        let slept = asleep.clone();
        let network = Network::with_dialer(
            config,
            move |event| {
                let _ = tell.send(event);
            },
            dialer,
            move || Instant::now().into_std() + *slept.lock().unwrap(),
        );
        World { network, refuse, dials, asleep, accepted, events }
    }

    /// A network that knows brokers 1 (`one:9092`) and 2 (`two:9092`).
    pub(in crate::engine) fn with_brokers(config: NetworkConfig) -> World {
        World::new(config).knowing_brokers()
    }

    /// The same over sockets.
    pub(in crate::engine) fn over_tcp(config: NetworkConfig) -> World {
        World::over(true, config).knowing_brokers()
    }

    fn knowing_brokers(self) -> World {
        self.network.update_brokers(&[broker(1, "one"), broker(2, "two")]);
        self
    }

    /// The next connection, before anything was said on it.
    pub(in crate::engine) async fn accept(&mut self) -> Peer {
        self.accepted.recv().await.unwrap()
    }

    /// The next connection, with versions negotiated.
    pub(in crate::engine) async fn welcome(&mut self) -> Peer {
        let mut peer = self.accept().await;
        peer.welcome().await;
        peer
    }

    pub(in crate::engine) fn dial_count(&self) -> usize {
        self.dials.lock().unwrap().len()
    }

    /// All events so far.
    pub(in crate::engine) fn events(&mut self) -> Vec<NetworkEvent> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    pub(in crate::engine) async fn event(&mut self) -> NetworkEvent {
        self.events.recv().await.unwrap()
    }

    pub(in crate::engine) fn errors(&mut self) -> Vec<String> {
        self.events()
            .into_iter()
            .filter_map(|event| match event {
                NetworkEvent::Log { level: LogLevel::Error, message, .. } => Some(message),
                _ => None,
            })
            .collect()
    }

    pub(in crate::engine) fn logs(&mut self) -> Vec<String> {
        self.events()
            .into_iter()
            .filter_map(|event| match event {
                NetworkEvent::Log { message, .. } => Some(message),
                _ => None,
            })
            .collect()
    }
}

pub(in crate::engine) fn broker(node_id: i32, host: &str) -> MetadataBroker {
    MetadataBroker { node_id, host: host.to_owned(), port: 9092, rack: None }
}

/// A broker, played by the test.
pub(in crate::engine) struct Peer {
    pub(in crate::engine) broker: String,
    stream: BoxStream,
    /// The same stream over TCP, for who has to look from another place.
    pub(in crate::engine) socket: Option<std::net::TcpStream>,
}

/// A request as the broker sees it.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Received {
    pub(in crate::engine) key: ApiKey,
    pub(in crate::engine) version: i16,
    pub(in crate::engine) correlation_id: i32,
    body: Bytes,
}

impl Received {
    pub(in crate::engine) fn decode<M: Decodable>(&self) -> M {
        M::decode(&mut self.body.clone(), self.version).unwrap()
    }
}

impl Peer {
    /// The next request; None when the client has closed.
    pub(in crate::engine) async fn request(&mut self) -> Option<Received> {
        let length = self.stream.read_i32().await.ok()?;
        let mut frame = vec![0; length as usize];
        self.stream.read_exact(&mut frame).await.ok()?;
        let mut frame = Bytes::from(frame);
        let (code, version) = (frame.get_i16(), frame.get_i16());
        let key = *ApiKey::ALL.iter().find(|key| key.code() == code).unwrap();
        let correlation_id = frame.get_i32();
        let client_id = frame.get_i16();
        frame.advance(client_id as usize);
        if key.is_flexible(version) {
            assert_eq!(frame.get_u8(), 0, "no tagged fields in the header");
        }
        Some(Received { key, version, correlation_id, body: frame })
    }

    pub(in crate::engine) async fn reply(&mut self, to: &Received, response: impl Encodable) {
        self.reply_in(to, to.version, response).await;
    }

    /// A response in another version than the request's.
    pub(in crate::engine) async fn reply_in(
        &mut self,
        to: &Received,
        version: i16,
        response: impl Encodable,
    ) {
        let mut frame = BytesMut::new();
        frame.extend_from_slice(&to.correlation_id.to_be_bytes());
        if to.key.is_flexible(version) && to.key != ApiKey::ApiVersions {
            frame.extend_from_slice(&[0]);
        }
        response.encode(&mut frame, version).unwrap();
        self.write(&(frame.len() as i32).to_be_bytes()).await;
        self.write(&frame).await;
    }

    pub(in crate::engine) async fn write(&mut self, bytes: &[u8]) {
        // The client may have closed.
        let _ = self.stream.write_all(bytes).await;
    }

    /// Answers ApiVersions: all that we speak.
    pub(in crate::engine) async fn welcome(&mut self) {
        let request = self.request().await.unwrap();
        assert_eq!((request.key, request.version), (ApiKey::ApiVersions, HANDSHAKE));
        self.reply(&request, api_versions(|key| Some((key.versions().min, key.versions().max)))).await;
    }

    /// Answers Metadata with these brokers.
    pub(in crate::engine) async fn reply_brokers(&mut self, to: &Received, brokers: &[(i32, &str)]) {
        let brokers = brokers.iter().map(|(node, host)| {
            wire::metadata_response::MetadataResponseBroker::default()
                .with_node_id(wire::BrokerId(*node))
                .with_host(text(host))
                .with_port(9092)
        });
        self.reply(to, wire::MetadataResponse::default().with_brokers(brokers.collect())).await;
    }

    pub(in crate::engine) async fn reply_heartbeat(&mut self, to: &Received, error: i16) {
        self.reply(to, wire::HeartbeatResponse::default().with_error_code(error)).await;
    }
}

pub(in crate::engine) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// An ApiVersions response with `range` of each API.
pub(in crate::engine) fn api_versions(
    range: impl Fn(ApiKey) -> Option<(i16, i16)>,
) -> wire::ApiVersionsResponse {
    let keys = ApiKey::ALL.iter().filter_map(|key| {
        let (min, max) = range(*key)?;
        Some(
            wire::api_versions_response::ApiVersion::default()
                .with_api_key(key.code())
                .with_min_version(min)
                .with_max_version(max),
        )
    });
    wire::ApiVersionsResponse::default().with_api_keys(keys.collect())
}
