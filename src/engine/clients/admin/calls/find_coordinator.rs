//! Where a group's coordinator is.

use crate::engine::clients::admin::call::{Call, Found, Recipient};
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

    fn request(&mut self, _: Vec<()>, _: &Found) -> Request {
        FindCoordinatorRequest::of_group(&self.group_id).into()
    }

    fn response(&mut self, response: Response) -> Result<(), Failure> {
        let Response::FindCoordinator(found) = response else { return Err(OUT_OF_STEP) };
        self.answer = Some(coordinator(&self.group_id, &found)?);
        Ok(())
    }

    fn answer(self) -> Result<MetadataBroker, Failure> {
        self.answer.ok_or(OUT_OF_STEP)
    }
}

/// The coordinator of the one group that was asked for.
pub(in crate::engine::clients::admin) fn coordinator(
    group_id: &str,
    answer: &FindCoordinatorResponse,
) -> Result<MetadataBroker, Failure> {
    let found = answer.coordinators.first().ok_or(OUT_OF_STEP)?;
    if found.error.is_err() {
        let cause = Box::new(Failure::Broker { code: found.error, partition: None });
        return Err(Failure::CoordinatorNotFound { key: CoordinatorKey::group(group_id), cause });
    }
    Ok(broker(found))
}

pub(in crate::engine::clients::admin) fn broker(found: &FoundCoordinator) -> MetadataBroker {
    let FoundCoordinator { node_id, host, port, .. } = found;
    MetadataBroker { node_id: *node_id, host: host.clone(), port: *port, rack: None }
}
