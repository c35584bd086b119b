//! Where a request goes: to which broker, and over which of the connections to it.

/// Which broker, and over which of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Any broker that is connected, else any that is known.
    Any,
    /// Any broker, connected or not, but the one that was asked the same before: its answer was of no use, which others
    /// may not share. A broker that is cut off from its controllers does not know that it knows nothing.
    AnyOther,
    /// As `AnyOther`, and this broker only when no other one can be reached: what it says of itself is in doubt.
    AnyBut(i32),
    /// The broker with this node id.
    Node(i32, ConnectionKind),
}

impl Target {
    /// This broker, for a request that is answered at once.
    pub const fn node(node: i32) -> Target {
        Target::Node(node, ConnectionKind::General)
    }

    /// This broker as the coordinator of a group or a transaction.
    pub const fn coordinator(node: i32) -> Target {
        Target::Node(node, ConnectionKind::Coordinator)
    }
}

/// What a connection is for. A broker answers the requests of one connection in order, so a request that it holds back (a
/// long poll, a join) delays every other behind it: what must not wait for each other has different kinds, and each kind has
/// a connection of its own to a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionKind {
    /// Requests that are answered at once: Metadata, ListOffsets, …
    General,
    /// JoinGroup, Heartbeat, commits.
    Coordinator,
    /// Fetches that are long polls.
    Fetch,
    /// Fetches beside a long poll.
    FetchExpress,
    /// Produce, which may wait for replicas.
    Produce,
}

impl ConnectionKind {
    /// Where a broker allows fewer connections: the kinds over whose connection the requests of this one may go, the best
    /// first. The last is the one whose requests and these would delay each other the longest.
    pub const fn stand_ins(self) -> &'static [ConnectionKind] {
        use ConnectionKind::{Coordinator, Fetch, FetchExpress, General, Produce};
        match self {
            General => &[Coordinator, FetchExpress, Produce, Fetch],
            Coordinator => &[General, FetchExpress, Produce, Fetch],
            Fetch => &[General, FetchExpress, Produce, Coordinator],
            FetchExpress => &[General, Produce, Fetch, Coordinator],
            Produce => &[General, Coordinator, FetchExpress, Fetch],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ConnectionKind::{self, Coordinator, Fetch, FetchExpress, General, Produce};
    #[test]
    fn every_other_kind_stands_in() {
        let all = [General, Coordinator, Fetch, FetchExpress, Produce];
        for kind in all {
            let others: Vec<ConnectionKind> = all.into_iter().filter(|other| *other != kind).collect();
            assert!(others.iter().all(|other| kind.stand_ins().contains(other)));
            assert_eq!(kind.stand_ins().len(), others.len());
        }
    }
}
