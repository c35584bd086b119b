//! Where a group's coordinator is.

use crate::engine::clients::admin::call::{Asked, Call, Found, Recipient};
use crate::engine::machine::CoordinatorKey;
use crate::engine::machine::Failure;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::find_coordinator::FindCoordinatorRequest;
use crate::engine::protocol::find_coordinator::FindCoordinatorResponse;
use crate::engine::protocol::find_coordinator::FoundCoordinator;
use crate::engine::protocol::metadata::MetadataBroker;

use super::OUT_OF_STEP;

/// Answers the broker that coordinates this group, as any broker says.
pub struct FindCoordinator {
    group_id: String,
    answer: Option<MetadataBroker>,
}

impl FindCoordinator {
    /// Of this group.
    pub fn new(group_id: String) -> FindCoordinator {
        FindCoordinator { group_id, answer: None }
    }
}

impl Call for FindCoordinator {
    type Part = ();
    type Answer = MetadataBroker;

    fn parts(&mut self) -> Vec<(Recipient, ())> {
        vec![(Recipient::Any, ())]
    }

    fn request(&mut self, _: &Asked<()>, _: &Found) -> Request {
        FindCoordinatorRequest::of_group(&self.group_id).into()
    }

    fn response(&mut self, _: Asked<()>, response: Response) -> Result<(), Failure> {
        let Response::FindCoordinator(found) = response else { return Err(OUT_OF_STEP) };
        self.answer = Some(coordinator(&CoordinatorKey::group(&self.group_id), &found)?);
        Ok(())
    }

    fn answer(self) -> Result<MetadataBroker, Failure> {
        self.answer.ok_or(OUT_OF_STEP)
    }
}

/// The coordinator of one of those that were asked for. The older versions do not say whose it is: they tell of one only.
pub(in crate::engine::clients::admin) fn coordinator(
    key: &CoordinatorKey,
    answer: &FindCoordinatorResponse,
) -> Result<MetadataBroker, Failure> {
    let mut coordinators = answer.coordinators.iter();
    let is_meant = |found: &&FoundCoordinator| found.key.is_empty() || *found.key == *key.id;
    let found = coordinators.find(is_meant).ok_or(OUT_OF_STEP)?;
    if found.error.is_err() {
        let cause = Box::new(Failure::Broker { code: found.error, partition: None });
        return Err(Failure::CoordinatorNotFound { key: key.clone(), cause });
    }
    Ok(broker(found))
}

pub(in crate::engine::clients::admin) fn broker(found: &FoundCoordinator) -> MetadataBroker {
    let FoundCoordinator { node_id, host, port, .. } = found;
    MetadataBroker { node_id: *node_id, host: host.clone(), port: *port, rack: None }
}
