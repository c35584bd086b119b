//! What JavaScript hands over: the sends of one turn of the event loop, in one buffer. Everything is read and copied during the
//! call, so the buffer is JavaScript's again when it returns.
//!
//! All numbers are little endian; every part begins at a multiple of 4, so that JavaScript can write the words through an
//! Int32Array and the bytes through a Buffer of the same memory. A turn is any number of sends back to back:
//!
//! ```text
//! send      8 × i32   size       bytes of the whole send, these words included; a multiple of 4
//!                     ticket     what the send is called in its answer
//!                     acks       -1 all in-sync replicas, 1 the leader, 0 nobody
//!                     timeout    how long the leader may wait for the replicas, ms
//!                     codec      0 none, 1 gzip, 2 snappy, 3 LZ4, 4 zstd
//!                     level      of the codec; DEFAULT_LEVEL = as the codec has it
//!                     topics     how many
//!                     (free)     0
//!           topics    back to back, to the end of the send
//! topic     4 × i32   size       bytes of the whole topic, these words included; a multiple of 4
//!                     nameLength
//!                     messages   how many
//!                     (free)     0
//!           name      UTF-8, padded to 4
//!           messages  back to back
//! message   6 × i32   partition  -1 = by the partitioner
//!                     timestamp  i64 in two words, low one first: ms since the Unix epoch
//!                     keyLength  -1 = null
//!                     valueLength  -1 = null
//!                     headers    how many
//!           headers   2 × i32 each: nameLength, valueLength (-1 = null)
//!           bytes     key, value, then name and value of each header; padded to 4 at the end
//! ```
//! A topic may come more than once in a send; its messages then follow those before.

use super::error::Codec;

/// A level that leaves the choice to the codec.
pub const DEFAULT_LEVEL: i32 = i32::MIN;

/// One `send()` or `sendBatch()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Send<'a> {
    /// What it is called in its answer.
    pub ticket: i32,
    /// -1, 1 or 0.
    pub acks: i16,
    /// How long the leader may wait for the replicas, ms.
    pub timeout_ms: i32,
    /// How its batches are compressed.
    pub compression: Option<Compression>,
    /// The whole send, to be read again as a turn of its own.
    pub bytes: &'a [u8],
    topics: usize,
}

/// A codec and how hard it tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression {
    /// Which.
    pub codec: Codec,
    /// The codec's own number; None = its default.
    pub level: Option<i32>,
}

/// Messages of one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicMessages<'a> {
    /// Its name.
    pub name: &'a str,
    /// All of it, to be read again with [`TopicMessages::read`].
    pub whole: &'a [u8],
    messages: &'a [u8],
    count: usize,
}

/// One message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// None = by the partitioner.
    pub partition: Option<i32>,
    /// Ms since the Unix epoch.
    pub timestamp: i64,
    /// Null, or bytes, perhaps none.
    pub key: Option<&'a [u8]>,
    /// Null, or bytes, perhaps none.
    pub value: Option<&'a [u8]>,
    /// The lengths of the headers, and their bytes.
    pub headers: Headers<'a>,
}

/// The headers of a message, in order; names may repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Headers<'a> {
    lengths: &'a [u8],
    bytes: &'a [u8],
}

/// Bytes that are no turn: JavaScript and the engine do not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hand-over buffer is damaged at byte {at}: {what}")]
pub struct TurnError {
    /// Bytes from the start of the buffer, send, topic or message list that was read.
    pub at: usize,
    /// What cannot be.
    pub what: &'static str,
}

/// The sends of a turn.
#[derive(Debug, Clone)]
pub struct Sends<'a>(Words<'a>);

/// The topics of a send.
#[derive(Debug, Clone)]
pub struct Topics<'a>(Words<'a>, usize);

/// The messages of a topic.
#[derive(Debug, Clone)]
pub struct Messages<'a>(Words<'a>, usize);

impl<'a> Sends<'a> {
    /// Reads `turn` from its start.
    pub fn new(turn: &'a [u8]) -> Sends<'a> {
        Sends(Words::new(turn))
    }

    fn read(&mut self) -> Result<Send<'a>, TurnError> {
        let start = self.0.at;
        let size = self.0.length()?;
        let [ticket, acks, timeout_ms] = [self.0.word()?, self.0.word()?, self.0.word()?];
        let (codec, level) = (self.0.word()?, self.0.word()?);
        let topics = self.0.length()?;
        self.0.word()?;
        if size < SEND_WORDS || !size.is_multiple_of(4) {
            return Err(self.0.wrong("size of a send"));
        }
        let acks = match acks {
            -1 => -1,
            0 => 0,
            1 => 1,
            _ => return Err(self.0.wrong("acks")),
        };
        let codec = match codec {
            0 => None,
            1 => Some(Codec::Gzip),
            2 => Some(Codec::Snappy),
            3 => Some(Codec::Lz4),
            4 => Some(Codec::Zstd),
            _ => return Err(self.0.wrong("codec")),
        };
        let compression =
            codec.map(|codec| Compression { codec, level: (level != DEFAULT_LEVEL).then_some(level) });
        self.0.at = start;
        let bytes = self.0.bytes(size)?;
        Ok(Send { ticket, acks, timeout_ms, compression, bytes, topics })
    }
}

impl<'a> Iterator for Sends<'a> {
    type Item = Result<Send<'a>, TurnError>;

    fn next(&mut self) -> Option<Result<Send<'a>, TurnError>> {
        (!self.0.is_at_end()).then(|| self.read().inspect_err(|_| self.0.end()))
    }
}

impl<'a> Send<'a> {
    /// Its topics, in order.
    pub fn topics(&self) -> Topics<'a> {
        Topics(Words { bytes: self.bytes, at: SEND_WORDS }, self.topics)
    }

    /// Reads all of it: after that, nothing in it can be wrong.
    ///
    /// # Errors
    ///
    /// A length that does not fit into the send, or a name that is no UTF-8.
    pub fn check(&self) -> Result<(), TurnError> {
        let mut topics = self.topics();
        for topic in topics.by_ref() {
            let mut messages = topic?.messages();
            for message in messages.by_ref() {
                message?;
            }
            if !messages.0.is_at_end() {
                return Err(messages.0.wrong("end of a topic"));
            }
        }
        if topics.0.is_at_end() { Ok(()) } else { Err(topics.0.wrong("end of a send")) }
    }
}

impl<'a> Iterator for Topics<'a> {
    type Item = Result<TopicMessages<'a>, TurnError>;

    fn next(&mut self) -> Option<Result<TopicMessages<'a>, TurnError>> {
        self.1 = self.1.checked_sub(1)?;
        let topic = read_topic(&mut self.0);
        if topic.is_err() {
            self.1 = 0;
        }
        Some(topic)
    }
}

fn read_topic<'a>(words: &mut Words<'a>) -> Result<TopicMessages<'a>, TurnError> {
    let start = words.at;
    let (size, name, count) = (words.length()?, words.length()?, words.length()?);
    words.at = start;
    if size < TOPIC_WORDS || !size.is_multiple_of(4) {
        return Err(words.wrong("size of a topic"));
    }
    let whole = words.bytes(size)?;
    let mut topic = Words { bytes: whole, at: TOPIC_WORDS };
    let name = str::from_utf8(topic.bytes(name)?).map_err(|_| words.wrong("topic name"))?;
    topic.align()?;
    Ok(TopicMessages { name, whole, messages: topic.rest(), count })
}

impl<'a> TopicMessages<'a> {
    /// Reads what [`TopicMessages::whole`] was.
    ///
    /// # Errors
    ///
    /// It was not.
    pub fn read(whole: &'a [u8]) -> Result<TopicMessages<'a>, TurnError> {
        read_topic(&mut Words::new(whole))
    }

    /// Its messages, in order.
    pub fn messages(&self) -> Messages<'a> {
        Messages(Words::new(self.messages), self.count)
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, TurnError>;

    fn next(&mut self) -> Option<Result<Message<'a>, TurnError>> {
        self.1 = self.1.checked_sub(1)?;
        let message = read_message(&mut self.0);
        if message.is_err() {
            self.1 = 0;
        }
        Some(message)
    }
}

fn read_message<'a>(words: &mut Words<'a>) -> Result<Message<'a>, TurnError> {
    let partition = match words.word()? {
        -1 => None,
        partition if partition >= 0 => Some(partition),
        _ => return Err(words.wrong("partition")),
    };
    let timestamp = words.long()?;
    let (key, value) = (words.nullable()?, words.nullable()?);
    let headers = words.length()?;
    let lengths = words.bytes(headers.checked_mul(8).ok_or_else(|| words.wrong("header count"))?)?;
    let key = key.map(|length| words.bytes(length)).transpose()?;
    let value = value.map(|length| words.bytes(length)).transpose()?;
    let mut size = 0usize;
    let mut of_headers = Words::new(lengths);
    for _ in 0..headers {
        let (name, value) = (of_headers.length()?, of_headers.nullable()?);
        size = size.saturating_add(name).saturating_add(value.unwrap_or(0));
    }
    let headers = Headers { lengths, bytes: words.bytes(size)? };
    words.align()?;
    Ok(Message { partition, timestamp, key, value, headers })
}

impl<'a> Headers<'a> {
    /// How many.
    pub fn count(&self) -> usize {
        self.lengths.len() / 8
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let (mut lengths, mut bytes) = (Words::new(self.lengths), Words::new(self.bytes));
        // What is in here was read once already: the lengths fit.
        std::iter::from_fn(move || {
            let (name, value) = (lengths.length().ok()?, lengths.nullable().ok()?);
            let name = bytes.bytes(name).ok()?;
            Some((name, value.and_then(|length| bytes.bytes(length).ok())))
        })
    }
}

/// Words and bytes off a buffer.
#[derive(Debug, Clone, Copy)]
struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    fn new(bytes: &'a [u8]) -> Words<'a> {
        Words { bytes, at: 0 }
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn end(&mut self) {
        self.at = self.bytes.len();
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    #[inline]
    fn word(&mut self) -> Result<i32, TurnError> {
        let word = self.rest().first_chunk().ok_or_else(|| self.wrong("its end"))?;
        self.at += 4;
        Ok(i32::from_le_bytes(*word))
    }

    #[inline]
    fn long(&mut self) -> Result<i64, TurnError> {
        let long = self.rest().first_chunk().ok_or_else(|| self.wrong("its end"))?;
        self.at += 8;
        Ok(i64::from_le_bytes(*long))
    }

    #[inline]
    fn length(&mut self) -> Result<usize, TurnError> {
        usize::try_from(self.word()?).map_err(|_| self.wrong("a length"))
    }

    #[inline]
    fn nullable(&mut self) -> Result<Option<usize>, TurnError> {
        match self.word()? {
            -1 => Ok(None),
            length => usize::try_from(length).map(Some).map_err(|_| self.wrong("a length")),
        }
    }

    #[inline]
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], TurnError> {
        let bytes = self.rest().get(..length).ok_or_else(|| self.wrong("a length"))?;
        self.at += length;
        Ok(bytes)
    }

    fn align(&mut self) -> Result<(), TurnError> {
        let padding = self.at.next_multiple_of(4) - self.at;
        self.bytes(padding).map(drop)
    }

    #[cold]
    fn wrong(&self, what: &'static str) -> TurnError {
        TurnError { at: self.at, what }
    }
}

/// Bytes of a send before its topics.
const SEND_WORDS: usize = 32;
/// Bytes of a topic before its name.
const TOPIC_WORDS: usize = 16;
