//! Who may do what, who has which password, who may use how much.

use crate::engine::clients::admin::call::Recipient;
use crate::engine::protocol::acl::{Acl, AclFilter};
use crate::engine::protocol::alter_client_quotas::{AlterClientQuotasRequest, AlterClientQuotasResponse};
use crate::engine::protocol::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
};
use crate::engine::protocol::create_acls::{CreateAclsRequest, CreateAclsResponse};
use crate::engine::protocol::delete_acls::{DeleteAclsRequest, DeleteAclsResponse};
use crate::engine::protocol::describe_acls::{DescribeAclsRequest, DescribeAclsResponse};
use crate::engine::protocol::describe_client_quotas::{
    DescribeClientQuotasRequest, DescribeClientQuotasResponse,
};
use crate::engine::protocol::describe_user_scram_credentials::{
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
};

use super::Ask;

/// Writes rules down.
pub fn create_acls(acls: Vec<Acl>) -> Ask<CreateAclsResponse> {
    Ask::new(Recipient::Controller, CreateAclsRequest { acls })
}

/// The rules that a filter means.
pub fn describe_acls(filter: AclFilter) -> Ask<DescribeAclsResponse> {
    Ask::new(Recipient::Any, DescribeAclsRequest { filter })
}

/// Deletes the rules that filters mean.
pub fn delete_acls(filters: Vec<AclFilter>) -> Ask<DeleteAclsResponse> {
    Ask::new(Recipient::Controller, DeleteAclsRequest { filters })
}

/// Which credentials these users have, or all.
pub fn describe_scram_credentials(users: Option<Vec<String>>) -> Ask<DescribeUserScramCredentialsResponse> {
    Ask::new(Recipient::Any, DescribeUserScramCredentialsRequest { users })
}

/// Gives and takes credentials.
pub fn alter_scram_credentials(
    request: AlterUserScramCredentialsRequest,
) -> Ask<AlterUserScramCredentialsResponse> {
    Ask::new(Recipient::Controller, request)
}

/// Which quotas there are.
pub fn describe_quotas(request: DescribeClientQuotasRequest) -> Ask<DescribeClientQuotasResponse> {
    Ask::new(Recipient::Any, request)
}

/// Sets and removes quotas.
pub fn alter_quotas(request: AlterClientQuotasRequest) -> Ask<AlterClientQuotasResponse> {
    Ask::new(Recipient::Controller, request)
}
