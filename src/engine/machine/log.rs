//! Log lines as data: the pure rooms return them like every other output.

/// A line for the user's log.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// How loud.
    pub level: LogLevel,
    /// Whose (`ConsumerGroup`, `FetchManager`, …).
    pub namespace: &'static str,
    /// What.
    pub message: String,
    /// Details by name.
    pub extra: Vec<(&'static str, String)>,
}

/// kafkajs's log levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// 1
    Error = 1,
    /// 2
    Warn = 2,
    /// 4
    Info = 4,
    /// 5
    Debug = 5,
}
