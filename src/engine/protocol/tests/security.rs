//! ACLs, SCRAM credentials, quotas.

use kafka_protocol::messages as theirs;
use kafka_protocol::messages::{
    alter_client_quotas_request as their_alter_quotas, alter_client_quotas_response as their_altered_quotas,
    alter_user_scram_credentials_request as their_alter_scram,
    alter_user_scram_credentials_response as their_altered_scram, create_acls_request as their_create,
    create_acls_response as their_created, delete_acls_request as their_delete,
    delete_acls_response as their_deleted, describe_acls_response as their_described,
    describe_client_quotas_request as their_ask_quotas, describe_client_quotas_response as their_quotas,
    describe_user_scram_credentials_request as their_ask_scram,
    describe_user_scram_credentials_response as their_scram,
};

use super::acl::*;
use super::alter_client_quotas::*;
use super::alter_user_scram_credentials::*;
use super::create_acls::{CreateAclsRequest, CreateAclsResponse};
use super::delete_acls::{DeleteAclsRequest, DeleteAclsResponse, DeletedAcl, DeletedAcls};
use super::describe_acls::{DescribeAclsRequest, DescribeAclsResponse, DescribedAcl, DescribedResource};
use super::describe_client_quotas::*;
use super::describe_user_scram_credentials::*;
use super::*;

pub(super) fn samples(fill: Fill) -> Vec<Sample> {
    [
        described_acls,
        created_acls,
        deleted_acls,
        described_users,
        altered_users,
        described_quotas,
        altered_quotas,
    ]
    .into_iter()
    .flat_map(|samples: fn(Fill) -> Vec<Sample>| samples(fill))
    .collect()
}

#[test]
fn responses_agree() {
    Fill::ALL.into_iter().flat_map(samples).for_each(|sample| sample.check());
}

fn acl(fill: Fill) -> Acl {
    Acl {
        resource_type: 2,
        resource_name: fill.text("orders"),
        pattern_type: 4,
        principal: fill.text("User:alice"),
        host: fill.text("*"),
        operation: 3,
        permission_type: 1,
    }
}

fn filter(fill: Fill) -> AclFilter {
    AclFilter {
        resource_type: 2,
        resource_name: fill.maybe("orders"),
        pattern_type: 4,
        principal: fill.maybe("User:alice"),
        host: fill.maybe("*"),
        operation: 5,
        permission_type: 1,
    }
}

#[test]
fn acl_requests_agree() {
    for fill in Fill::ALL {
        let ours = DescribeAclsRequest { filter: filter(fill) };
        check_request(ours.clone(), |_| {
            theirs::DescribeAclsRequest::default()
                .with_resource_type_filter(ours.filter.resource_type)
                .with_resource_name_filter(maybe_name(&ours.filter.resource_name))
                .with_pattern_type_filter(ours.filter.pattern_type)
                .with_principal_filter(maybe_name(&ours.filter.principal))
                .with_host_filter(maybe_name(&ours.filter.host))
                .with_operation(ours.filter.operation)
                .with_permission_type(ours.filter.permission_type)
        });
        let ours = CreateAclsRequest { acls: fill.list([acl(fill), Acl::default()]) };
        check_request(ours.clone(), |_| {
            let creation = |acl: &Acl| {
                their_create::AclCreation::default()
                    .with_resource_type(acl.resource_type)
                    .with_resource_name(name(&acl.resource_name))
                    .with_resource_pattern_type(acl.pattern_type)
                    .with_principal(name(&acl.principal))
                    .with_host(name(&acl.host))
                    .with_operation(acl.operation)
                    .with_permission_type(acl.permission_type)
            };
            theirs::CreateAclsRequest::default().with_creations(each(&ours.acls, creation))
        });
        let ours = DeleteAclsRequest { filters: fill.list([filter(fill), AclFilter::default()]) };
        check_request(ours.clone(), |_| {
            let filter = |filter: &AclFilter| {
                their_delete::DeleteAclsFilter::default()
                    .with_resource_type_filter(filter.resource_type)
                    .with_resource_name_filter(maybe_name(&filter.resource_name))
                    .with_pattern_type_filter(filter.pattern_type)
                    .with_principal_filter(maybe_name(&filter.principal))
                    .with_host_filter(maybe_name(&filter.host))
                    .with_operation(filter.operation)
                    .with_permission_type(filter.permission_type)
            };
            theirs::DeleteAclsRequest::default().with_filters(each(&ours.filters, filter))
        });
    }
}

fn described_acls(fill: Fill) -> Vec<Sample> {
    let full = move || {
        let acl = DescribedAcl {
            principal: fill.text("User:alice"),
            host: fill.text("*"),
            operation: 3,
            permission_type: 2,
        };
        let resource = DescribedResource {
            resource_type: 2,
            resource_name: fill.text("orders"),
            pattern_type: 3,
            acls: fill.list([acl, DescribedAcl::default()]),
        };
        DescribeAclsResponse {
            throttle_time_ms: 4,
            error: ErrorCode(54),
            error_message: fill.maybe("no authorizer"),
            resources: fill.list([resource, DescribedResource::default()]),
        }
    };
    let theirs = move |_| {
        let acl = |acl: &DescribedAcl| {
            their_described::AclDescription::default()
                .with_principal(name(&acl.principal))
                .with_host(name(&acl.host))
                .with_operation(acl.operation)
                .with_permission_type(acl.permission_type)
        };
        let resource = |resource: &DescribedResource| {
            their_described::DescribeAclsResource::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(name(&resource.resource_name))
                .with_pattern_type(resource.pattern_type)
                .with_acls(each(&resource.acls, acl))
        };
        let ours = full();
        theirs::DescribeAclsResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_error_code(ours.error.0)
            .with_error_message(maybe_name(&ours.error_message))
            .with_resources(each(&ours.resources, resource))
    };
    Sample::per_version(ApiKey::DescribeAcls, theirs, move |_| Response::DescribeAcls(full()))
}

fn created_acls(fill: Fill) -> Vec<Sample> {
    let full = move || CreateAclsResponse {
        throttle_time_ms: 4,
        results: fill.list([(ErrorCode(42), fill.maybe("what?")), (ErrorCode::NONE, None)]),
    };
    let theirs = move |_| {
        let result = |(error, message): &(ErrorCode, Option<String>)| {
            their_created::AclCreationResult::default()
                .with_error_code(error.0)
                .with_error_message(maybe_name(message))
        };
        theirs::CreateAclsResponse::default()
            .with_throttle_time_ms(4)
            .with_results(each(&full().results, result))
    };
    Sample::per_version(ApiKey::CreateAcls, theirs, move |_| Response::CreateAcls(full()))
}

fn deleted_acls(fill: Fill) -> Vec<Sample> {
    let full = move || {
        let deleted = DeletedAcl { error: ErrorCode(42), error_message: fill.maybe("no"), acl: acl(fill) };
        let filter = DeletedAcls {
            error: ErrorCode(31),
            error_message: fill.maybe("never"),
            acls: fill.list([deleted, DeletedAcl::default()]),
        };
        DeleteAclsResponse { throttle_time_ms: 4, filters: fill.list([filter, DeletedAcls::default()]) }
    };
    let theirs = move |_| {
        let deleted = |deleted: &DeletedAcl| {
            their_deleted::DeleteAclsMatchingAcl::default()
                .with_error_code(deleted.error.0)
                .with_error_message(maybe_name(&deleted.error_message))
                .with_resource_type(deleted.acl.resource_type)
                .with_resource_name(name(&deleted.acl.resource_name))
                .with_pattern_type(deleted.acl.pattern_type)
                .with_principal(name(&deleted.acl.principal))
                .with_host(name(&deleted.acl.host))
                .with_operation(deleted.acl.operation)
                .with_permission_type(deleted.acl.permission_type)
        };
        let filter = |filter: &DeletedAcls| {
            their_deleted::DeleteAclsFilterResult::default()
                .with_error_code(filter.error.0)
                .with_error_message(maybe_name(&filter.error_message))
                .with_matching_acls(each(&filter.acls, deleted))
        };
        theirs::DeleteAclsResponse::default()
            .with_throttle_time_ms(4)
            .with_filter_results(each(&full().filters, filter))
    };
    Sample::per_version(ApiKey::DeleteAcls, theirs, move |_| Response::DeleteAcls(full()))
}

#[test]
fn user_requests_agree() {
    for fill in Fill::ALL {
        let users = fill.list([fill.text("alice"), long_name()]);
        let ours = DescribeUserScramCredentialsRequest {
            users: if let Fill::Null = fill { None } else { Some(users) },
        };
        check_request(ours.clone(), |_| {
            let user = |user: &String| their_ask_scram::UserName::default().with_name(name(user));
            theirs::DescribeUserScramCredentialsRequest::default()
                .with_users(ours.users.as_ref().map(|users| each(users, user)))
        });
        let ours = AlterUserScramCredentialsRequest {
            deletions: fill.list([(fill.text("alice"), 1)]),
            upsertions: fill.list([ScramCredential {
                name: fill.text("bob"),
                mechanism: 2,
                iterations: 4096,
                salt: fill.bytes(&[1, 2]),
                salted_password: fill.bytes(&[3]),
            }]),
        };
        check_request(ours.clone(), |_| {
            let deletion = |(user, mechanism): &(String, i8)| {
                their_alter_scram::ScramCredentialDeletion::default()
                    .with_name(name(user))
                    .with_mechanism(*mechanism)
            };
            let upsertion = |credential: &ScramCredential| {
                their_alter_scram::ScramCredentialUpsertion::default()
                    .with_name(name(&credential.name))
                    .with_mechanism(credential.mechanism)
                    .with_iterations(credential.iterations)
                    .with_salt(credential.salt.clone())
                    .with_salted_password(credential.salted_password.clone())
            };
            theirs::AlterUserScramCredentialsRequest::default()
                .with_deletions(each(&ours.deletions, deletion))
                .with_upsertions(each(&ours.upsertions, upsertion))
        });
    }
}

fn described_users(fill: Fill) -> Vec<Sample> {
    let full = move || DescribeUserScramCredentialsResponse {
        throttle_time_ms: 4,
        error: ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        error_message: fill.maybe("no"),
        users: fill.list([
            DescribedUser {
                name: fill.text("alice"),
                error: ErrorCode(91),
                error_message: fill.maybe("who?"),
                credentials: fill.list([(1, 4096), (2, 8192)]),
            },
            DescribedUser::default(),
        ]),
    };
    let theirs = move |_| {
        let credential = |(mechanism, iterations): &(i8, i32)| {
            their_scram::CredentialInfo::default().with_mechanism(*mechanism).with_iterations(*iterations)
        };
        let user = |user: &DescribedUser| {
            their_scram::DescribeUserScramCredentialsResult::default()
                .with_user(name(&user.name))
                .with_error_code(user.error.0)
                .with_error_message(maybe_name(&user.error_message))
                .with_credential_infos(each(&user.credentials, credential))
        };
        let ours = full();
        theirs::DescribeUserScramCredentialsResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_error_code(ours.error.0)
            .with_error_message(maybe_name(&ours.error_message))
            .with_results(each(&ours.users, user))
    };
    Sample::per_version(ApiKey::DescribeUserScramCredentials, theirs, move |_| {
        Response::DescribeUserScramCredentials(full())
    })
}

fn altered_users(fill: Fill) -> Vec<Sample> {
    let full = move || AlterUserScramCredentialsResponse {
        throttle_time_ms: 4,
        users: fill.list([
            AlteredUser { name: fill.text("alice"), error: ErrorCode(91), error_message: fill.maybe("who?") },
            AlteredUser::default(),
        ]),
    };
    let theirs = move |_| {
        let user = |user: &AlteredUser| {
            their_altered_scram::AlterUserScramCredentialsResult::default()
                .with_user(name(&user.name))
                .with_error_code(user.error.0)
                .with_error_message(maybe_name(&user.error_message))
        };
        theirs::AlterUserScramCredentialsResponse::default()
            .with_throttle_time_ms(4)
            .with_results(each(&full().users, user))
    };
    Sample::per_version(ApiKey::AlterUserScramCredentials, theirs, move |_| {
        Response::AlterUserScramCredentials(full())
    })
}

fn entity(fill: Fill) -> QuotaEntity {
    fill.list([(fill.text("user"), fill.maybe("alice")), (fill.text("client-id"), None)])
}

#[test]
fn quota_requests_agree() {
    for fill in Fill::ALL {
        let names = [QuotaName::Exact(fill.text("alice")), QuotaName::Default, QuotaName::Any];
        let component = |name| QuotaFilter { entity_type: fill.text("user"), name };
        let ours = DescribeClientQuotasRequest { components: fill.list(names.map(component)), strict: true };
        check_request(ours.clone(), |_| {
            let component = |filter: &QuotaFilter| {
                let (match_type, text) = match &filter.name {
                    QuotaName::Exact(text) => (0, Some(name(text))),
                    QuotaName::Default => (1, None),
                    QuotaName::Any => (2, None),
                };
                their_ask_quotas::ComponentData::default()
                    .with_entity_type(name(&filter.entity_type))
                    .with_match_type(match_type)
                    .with_match(text)
            };
            theirs::DescribeClientQuotasRequest::default()
                .with_components(each(&ours.components, component))
                .with_strict(ours.strict)
        });
        let ours = AlterClientQuotasRequest {
            entries: fill.list([QuotaChanges {
                entity: entity(fill),
                ops: fill.list([(fill.text("producer_byte_rate"), Some(0.5)), (String::new(), None)]),
            }]),
            validate_only: true,
        };
        check_request(ours.clone(), |_| {
            let part = |(entity_type, text): &(String, Option<String>)| {
                their_alter_quotas::EntityData::default()
                    .with_entity_type(name(entity_type))
                    .with_entity_name(maybe_name(text))
            };
            let op = |(key, value): &(String, Option<f64>)| {
                their_alter_quotas::OpData::default()
                    .with_key(name(key))
                    .with_value(value.unwrap_or(0.0))
                    .with_remove(value.is_none())
            };
            let entry = |entry: &QuotaChanges| {
                their_alter_quotas::EntryData::default()
                    .with_entity(each(&entry.entity, part))
                    .with_ops(each(&entry.ops, op))
            };
            theirs::AlterClientQuotasRequest::default()
                .with_entries(each(&ours.entries, entry))
                .with_validate_only(ours.validate_only)
        });
    }
}

fn described_quotas(fill: Fill) -> Vec<Sample> {
    let full = move || DescribeClientQuotasResponse {
        throttle_time_ms: 4,
        error: ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        error_message: fill.maybe("no"),
        entries: fill.list([
            QuotaEntry { entity: entity(fill), values: fill.list([(fill.text("request_percentage"), 12.5)]) },
            QuotaEntry::default(),
        ]),
    };
    let theirs = move |_| {
        let part = |(entity_type, text): &(String, Option<String>)| {
            their_quotas::EntityData::default()
                .with_entity_type(name(entity_type))
                .with_entity_name(maybe_name(text))
        };
        let value = |(key, value): &(String, f64)| {
            their_quotas::ValueData::default().with_key(name(key)).with_value(*value)
        };
        let entry = |entry: &QuotaEntry| {
            their_quotas::EntryData::default()
                .with_entity(each(&entry.entity, part))
                .with_values(each(&entry.values, value))
        };
        let ours = full();
        theirs::DescribeClientQuotasResponse::default()
            .with_throttle_time_ms(ours.throttle_time_ms)
            .with_error_code(ours.error.0)
            .with_error_message(maybe_name(&ours.error_message))
            .with_entries(Some(each(&ours.entries, entry)))
    };
    Sample::per_version(ApiKey::DescribeClientQuotas, theirs, move |_| Response::DescribeClientQuotas(full()))
}

fn altered_quotas(fill: Fill) -> Vec<Sample> {
    let full = move || AlterClientQuotasResponse {
        throttle_time_ms: 4,
        entries: fill.list([
            AlteredQuotas { error: ErrorCode(42), error_message: fill.maybe("no"), entity: entity(fill) },
            AlteredQuotas::default(),
        ]),
    };
    let theirs = move |_| {
        let part = |(entity_type, text): &(String, Option<String>)| {
            their_altered_quotas::EntityData::default()
                .with_entity_type(name(entity_type))
                .with_entity_name(maybe_name(text))
        };
        let entry = |entry: &AlteredQuotas| {
            their_altered_quotas::EntryData::default()
                .with_error_code(entry.error.0)
                .with_error_message(maybe_name(&entry.error_message))
                .with_entity(each(&entry.entity, part))
        };
        theirs::AlterClientQuotasResponse::default()
            .with_throttle_time_ms(4)
            .with_entries(each(&full().entries, entry))
    };
    Sample::per_version(ApiKey::AlterClientQuotas, theirs, move |_| Response::AlterClientQuotas(full()))
}
