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

impl LogLevel {
    /// Of the line that tells of a change of state, and its words: `{what}: {from} -> {to}`. One that is not legal is a bug of ours,
    /// and does not take place.
    pub fn of_transition(what: &str, from: &str, to: &str, is_legal: bool) -> (LogLevel, String) {
        debug_assert!(is_legal, "{what}: {from} cannot become {to}");
        let message = format!("{what}: {from} -> {to}");
        if is_legal {
            (LogLevel::Debug, message)
        } else {
            (LogLevel::Error, format!("{message} is not possible"))
        }
    }
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
