//! What is written by whom, and in which order, over sockets.

use std::io::ErrorKind;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::peer::tcp;
use crate::engine::network::dial::Wire;
use crate::engine::network::outbox::{Frame, Outbox, split};

/// Two ends between which little has room.
async fn narrow() -> (TcpStream, TcpStream) {
    let (ours, theirs) = tcp().await;
    SockRef::from(&ours).set_send_buffer_size(16 << 10).unwrap();
    SockRef::from(&theirs).set_recv_buffer_size(64 << 10).unwrap();
    (ours, theirs)
}

/// The answer of a `put` that wants one.
fn put(outbox: &Outbox, bytes: &[u8]) -> oneshot::Receiver<()> {
    let (written, is_written) = oneshot::channel();
    outbox.put(Frame::Plain(bytes.to_vec()), Some(written));
    is_written
}

async fn read(peer: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    peer.read_exact(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn who_sends_writes_what_is_small_and_the_task_the_rest() {
    let (ours, mut peer) = tcp().await;
    let (_reader, outbox, writer) = split(Wire::Socket(ours));
    // There is no task yet.
    assert_eq!(put(&outbox, b"one").try_recv(), Ok(()));
    outbox.put(Frame::Secret(Zeroizing::new(b"two".to_vec())), None);
    assert_eq!(read(&mut peer, 6).await, b"onetwo");
    let large = put(&outbox, &[7; 100_000]);
    let behind = put(&outbox, b"three");
    tokio::select! {
        end = writer.run(&outbox) => panic!("{end:?}"),
        bytes = read(&mut peer, 100_005) => assert!(bytes.starts_with(&[7; 100_000]) && bytes.ends_with(b"three")),
    }
    for mut written in [large, behind] {
        assert_eq!(written.try_recv(), Ok(()));
    }
}

#[tokio::test]
async fn what_is_no_socket_is_written_by_the_task_alone() {
    let (ours, mut peer) = tokio::io::duplex(64);
    let (_reader, outbox, writer) = split(Wire::Stream(Box::new(ours)));
    let mut written: Vec<_> = [b"one", b"two"].iter().map(|bytes| put(&outbox, *bytes)).collect();
    for written in &mut written {
        assert_eq!(written.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    }
    let mut bytes = [0; 6];
    tokio::select! {
        end = writer.run(&outbox) => panic!("{end:?}"),
        read = peer.read_exact(&mut bytes) => assert_eq!(read.unwrap(), 6),
    }
    assert_eq!(&bytes, b"onetwo");
}

#[tokio::test]
async fn what_the_peer_does_not_take_waits_and_is_not_told_as_written() {
    let (ours, mut peer) = narrow().await;
    let (_reader, outbox, writer) = split(Wire::Socket(ours));
    let mut all = Vec::new();
    let mut waiting = Vec::new();
    for n in 0..1000_u32 {
        let bytes = n.to_be_bytes().repeat(250);
        let mut written = put(&outbox, &bytes);
        all.extend(bytes);
        match written.try_recv() {
            Ok(()) => assert!(waiting.is_empty(), "nothing passes what waits"),
            Err(_) => waiting.push(written),
        }
    }
    assert!((1..1000).contains(&waiting.len()), "{}", waiting.len());
    tokio::select! {
        end = writer.run(&outbox) => panic!("{end:?}"),
        read = read(&mut peer, all.len()) => assert!(read == all),
    }
    for mut written in waiting {
        assert_eq!(written.try_recv(), Ok(()));
    }
}

/// A frame: who sends, its number there, its length; then bytes that say the same.
fn frame(sender: u8, number: u32, length: usize) -> Vec<u8> {
    let mut frame = vec![sender];
    frame.extend(number.to_be_bytes());
    frame.extend((length as u32).to_be_bytes());
    frame.resize(9 + length, sender ^ number as u8);
    frame
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_threads_send_is_whole_and_in_the_order_of_each() {
    const SENDERS: u8 = 4;
    const EACH: u32 = 1000;
    let (ours, mut peer) = narrow().await;
    let (_reader, outbox, writer) = split(Wire::Socket(ours));
    let outbox = Arc::new(outbox);
    let task = tokio::spawn({
        let outbox = outbox.clone();
        async move { writer.run(&outbox).await }
    });
    for sender in 0..SENDERS {
        let outbox = outbox.clone();
        thread::spawn(move || {
            let mut random = fastrand::Rng::with_seed(sender.into());
            for number in 0..EACH {
                // Some are too large to be written here.
                let length = if random.u8(..) == 0 { 20_000 } else { random.usize(..300) };
                outbox.put(Frame::Plain(frame(sender, number, length)), None);
                if random.u8(..) < 8 {
                    thread::sleep(Duration::from_micros(300));
                }
            }
        });
    }
    let mut next = [0; SENDERS as usize];
    for _ in 0..u32::from(SENDERS) * EACH {
        let sender = peer.read_u8().await.unwrap();
        let (number, length) = (peer.read_u32().await.unwrap(), peer.read_u32().await.unwrap() as usize);
        assert_eq!(number, next[usize::from(sender)], "of {sender}");
        next[usize::from(sender)] += 1;
        assert!(read(&mut peer, length).await.iter().all(|byte| *byte == sender ^ number as u8));
    }
    task.abort();
}

#[tokio::test]
async fn an_error_of_a_senders_is_the_end_of_the_task_once() {
    let (ours, peer) = tcp().await;
    let (mut reader, outbox, writer) = split(Wire::Socket(ours));
    // Closes with a reset, which the reader sees as well.
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    drop(peer);
    let mut written = Vec::new();
    while written.is_empty() {
        let mut one = put(&outbox, b"one");
        if one.try_recv().is_err() {
            written.push(one);
        }
    }
    written.push(put(&outbox, b"two"));
    let error = writer.run(&outbox).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    written.push(put(&outbox, b"three"));
    for mut written in written {
        assert_eq!(written.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }
    assert!(reader.read_u8().await.is_err());
}

#[tokio::test]
async fn the_socket_closes_with_the_task() {
    let (ours, mut peer) = tcp().await;
    let (reader, outbox, writer) = split(Wire::Socket(ours));
    drop((reader, writer));
    assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0);
    assert!(put(&outbox, b"late").await.is_err());
    let _ = peer.shutdown().await;
}
