//! The bytes that group members exchange through JoinGroup and SyncGroup: ConsumerProtocolSubscription and
//! ConsumerProtocolAssignment. Version-prefixed, never flexible. A higher version is read with the highest layout
//! that we know and its tail ignored.
