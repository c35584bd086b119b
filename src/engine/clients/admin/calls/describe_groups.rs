//! States and members of groups, of their coordinators.

use crate::engine::clients::admin::call::{Asked, Call, Found, Recipient};
use crate::engine::machine::Failure;
use crate::engine::protocol::Request;
use crate::engine::protocol::Response;
use crate::engine::protocol::describe_groups::DescribeGroupsRequest;
use crate::engine::protocol::describe_groups::DescribedGroup;

use super::OUT_OF_STEP;

/// Answers the groups in the order in which they were named. What is wrong with a group stands in it.
pub struct DescribeGroups {
    groups: Vec<String>,
    described: Vec<DescribedGroup>,
}

impl DescribeGroups {
    /// Of these groups.
    pub fn new(groups: Vec<String>) -> DescribeGroups {
        DescribeGroups { groups, described: Vec::new() }
    }
}

impl Call for DescribeGroups {
    type Part = String;
    type Answer = Vec<DescribedGroup>;

    fn parts(&mut self) -> Vec<(Recipient, String)> {
        self.groups.iter().map(|group| (Recipient::group(group), group.clone())).collect()
    }

    fn request(&mut self, asked: &Asked<String>, _: &Found) -> Request {
        DescribeGroupsRequest { groups: asked.parts.clone() }.into()
    }

    fn response(&mut self, _: Asked<String>, response: Response) -> Result<(), Failure> {
        let Response::DescribeGroups(answer) = response else { return Err(OUT_OF_STEP) };
        self.described.extend(answer.groups);
        Ok(())
    }

    fn answer(self) -> Result<Vec<DescribedGroup>, Failure> {
        let DescribeGroups { groups, described } = self;
        let find = |group: &String| described.iter().find(|described| described.group_id == *group).cloned();
        groups.iter().map(|group| find(group).ok_or(OUT_OF_STEP)).collect()
    }
}
