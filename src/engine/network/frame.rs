//! Frames: a 4-byte length and that many bytes.
//!
//! The length and whatever came with it are read into a small buffer; the rest of a large frame goes straight into the
//! buffer that becomes the frame, in reads as large as the socket gives.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{BufMut, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::deadline::within;

/// Cuts a byte stream into frames.
pub(super) struct FrameReader<'a, R> {
    reader: R,
    max_frame: usize,
    /// All bytes ever received: the sign of life of a peer that is slow.
    received: &'a AtomicU64,
    head: Box<[u8]>,
    /// The unread part of `head`.
    start: usize,
    end: usize,
}

/// Why there is no next frame.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the peer stopped in the middle of a response: nothing came for {} s", STALL.as_secs())]
    Stalled,
    #[error("this is a listener with TLS, spoken to in plain text: \"ssl\" is not given")]
    Tls,
    #[error("this is a server of HTTP, and no Kafka listener")]
    Http,
    #[error("the peer announced a response of {0} bytes, as no Kafka listener does")]
    Size(i64),
}

impl<'a, R: AsyncRead + Unpin> FrameReader<'a, R> {
    pub(super) fn new(reader: R, max_frame: usize, received: &'a AtomicU64) -> FrameReader<'a, R> {
        FrameReader { reader, max_frame, received, head: vec![0; HEAD].into(), start: 0, end: 0 }
    }

    /// The next frame without its length; None when the peer closed between two frames.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        let length = loop {
            if let Some((length, _)) = self.buffered().split_first_chunk::<4>() {
                break *length;
            }
            if self.fill().await? == 0 {
                return if self.buffered().is_empty() { Ok(None) } else { Err(truncated()) };
            }
        };
        self.start += 4;
        let length = match usize::try_from(i32::from_be_bytes(length)) {
            // No response is shorter than its correlation id.
            Ok(length) if (4..=self.max_frame).contains(&length) => length,
            _ => return Err(not_a_length(length)),
        };

        // The announced length is only believed as bytes arrive.
        let mut frame = Vec::with_capacity(length.min(FIRST_CAPACITY));
        let here = self.buffered().len().min(length);
        frame.extend_from_slice(self.buffered().get(..here).unwrap_or_default());
        self.start += here;
        while frame.len() < length {
            let missing = length - frame.len();
            if missing <= TAIL {
                // With room for more than is missing: a read that fills its buffer has to be followed by one that finds nothing.
                if within(STALL, self.fill()).await.map_err(|_| FrameError::Stalled)?? == 0 {
                    return Err(truncated());
                }
                let here = self.buffered().len().min(missing);
                frame.extend_from_slice(self.buffered().get(..here).unwrap_or_default());
                self.start += here;
                continue;
            }
            if frame.len() == frame.capacity() {
                // A failing allocation ends this connection, not the process.
                let more = frame.len().min(missing);
                frame.try_reserve_exact(more).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
            }
            let read = within(STALL, self.reader.read_buf(&mut (&mut frame).limit(missing))).await;
            let read = read.map_err(|_| FrameError::Stalled)??;
            if read == 0 {
                return Err(truncated());
            }
            self.received.fetch_add(read as u64, Ordering::Relaxed);
        }
        Ok(Some(Bytes::from(frame)))
    }

    fn buffered(&self) -> &[u8] {
        self.head.get(self.start..self.end).unwrap_or_default()
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.head.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let free = self.head.get_mut(self.end..).unwrap_or_default();
        let read = match self.reader.read(free).await {
            // A TLS peer that closes without saying so. Frames tell where they end themselves.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            read => read?,
        };
        self.end += read;
        self.received.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Who answers with this where a length belongs.
fn not_a_length(head: [u8; 4]) -> FrameError {
    match head {
        // An alert, which is what a TLS server has to say of our request, or a handshake; of SSL 3 or any TLS.
        [0x15 | 0x16, 3, ..] => FrameError::Tls,
        head if head == *b"HTTP" => FrameError::Http,
        head => FrameError::Size(i32::from_be_bytes(head).into()),
    }
}

fn truncated() -> FrameError {
    FrameError::Io(io::ErrorKind::UnexpectedEof.into())
}

/// Holds any answer but a Fetch; a Fetch has at most this much copied once.
const HEAD: usize = 16 << 10;
/// So few bytes of a frame come by way of the small buffer: brokers write the end of a response, a few bytes, by itself.
const TAIL: usize = 1 << 10;
/// A frame whose rest does not come for so long has another length than it says: everything behind it would be taken for a
/// part of it.
const STALL: Duration = Duration::from_secs(10);
/// What a frame gets before its first byte has come.
const FIRST_CAPACITY: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;

    fn frame(body: &[u8]) -> Vec<u8> {
        let mut bytes = (body.len() as i32).to_be_bytes().to_vec();
        bytes.extend_from_slice(body);
        bytes
    }

    async fn read_all(input: &[u8], max_frame: usize) -> (Vec<Bytes>, Option<FrameError>) {
        let received = AtomicU64::new(0);
        let mut reader = FrameReader::new(input, max_frame, &received);
        let mut frames = Vec::new();
        loop {
            match reader.next().await {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => return (frames, None),
                Err(error) => return (frames, Some(error)),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn frames_survive_any_cutting_of_the_stream(
            sizes in prop::collection::vec(prop_oneof![4usize..64, 15_000usize..50_000, 1_000_000usize..1_500_000], 1..5),
            chunk in prop_oneof![1000usize..5000, 60_000usize..300_000],
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async move {
                let bodies: Vec<Vec<u8>> =
                    sizes.iter().enumerate().map(|(n, size)| (0..*size).map(|i| (i * 7 + n) as u8).collect()).collect();
                let input: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
                let (ours, mut theirs) = tokio::io::duplex(chunk);
                let sent = input.len();
                let writer = tokio::spawn(async move { theirs.write_all(&input).await.unwrap() });
                let received = AtomicU64::new(0);
                let mut reader = FrameReader::new(ours, 256 << 20, &received);
                for body in &bodies {
                    assert_eq!(reader.next().await.unwrap().unwrap(), body);
                }
                assert!(reader.next().await.unwrap().is_none());
                assert_eq!(received.load(Ordering::Relaxed), sent as u64);
                writer.await.unwrap();
            });
        }
    }

    #[tokio::test]
    async fn a_length_that_cannot_be_is_an_error() {
        for length in [-1, 0, 3, 101, i32::MAX] {
            let (frames, error) = read_all(&length.to_be_bytes(), 100).await;
            assert!(frames.is_empty());
            assert!(matches!(error, Some(FrameError::Size(size)) if size == i64::from(length)), "{length}");
        }
        let (frames, error) = read_all(&frame(&[1; 100]), 100).await;
        assert_eq!((frames.len(), error.is_none()), (1, true));
    }

    #[tokio::test]
    async fn who_speaks_another_protocol_is_recognised() {
        // What Java's and OpenSSL's servers say of plain text: a fatal alert.
        for alert in [[0x15, 3, 3, 0, 2, 2, 50], [0x15, 3, 1, 0, 2, 2, 70]] {
            assert!(matches!(read_all(&alert, 100 << 20).await.1, Some(FrameError::Tls)));
        }
        let http = read_all(b"HTTP/1.1 400 Bad Request\r\n", 100 << 20).await.1;
        assert!(matches!(http, Some(FrameError::Http)));
        let ssh = read_all(b"SSH-2.0-OpenSSH_9.2\r\n", 100 << 20).await.1;
        assert!(matches!(ssh, Some(FrameError::Size(0x5353_482d))));
    }

    #[tokio::test]
    async fn an_end_inside_a_frame_is_an_error_and_between_frames_is_not() {
        let whole = frame(b"answer");
        for cut in 1..whole.len() {
            let (_, error) = read_all(&whole[..cut], 100).await;
            assert!(
                matches!(error, Some(FrameError::Io(e)) if e.kind() == io::ErrorKind::UnexpectedEof),
                "{cut}"
            );
        }
        let (frames, error) = read_all(&whole, 100).await;
        assert_eq!((frames.len(), error.is_none()), (1, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_whose_rest_does_not_come_is_given_up() {
        let received = AtomicU64::new(0);
        let (ours, mut theirs) = tokio::io::duplex(100);
        let mut reader = FrameReader::new(ours, 1 << 20, &received);
        theirs.write_all(&frame(b"answer")).await.unwrap();
        assert_eq!(reader.next().await.unwrap().unwrap(), &b"answer"[..]);
        theirs.write_all(&[0, 1, 0, 6, b'a']).await.unwrap();
        let writer = tokio::spawn(async move {
            // Between two frames, and while something comes, it may be slow.
            for _ in 0..3 {
                tokio::time::sleep(STALL * 9 / 10).await;
                theirs.write_all(b"x").await.unwrap();
            }
            std::future::pending::<()>().await;
        });
        let started = tokio::time::Instant::now();
        assert!(matches!(reader.next().await, Err(FrameError::Stalled)));
        assert_eq!(started.elapsed(), STALL * 27 / 10 + STALL);
        writer.abort();
    }

    #[tokio::test]
    async fn an_announced_length_does_not_size_the_buffer() {
        let mut input = (200_i32 << 20).to_be_bytes().to_vec();
        input.extend_from_slice(&[0; 10]);
        let received = AtomicU64::new(0);
        let mut reader = FrameReader::new(&input[..], 256 << 20, &received);
        let error = reader.next().await.unwrap_err();
        assert!(matches!(error, FrameError::Io(_)));
    }
}
