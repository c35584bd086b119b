//! ACLs, users' credentials, quotas.

use bytes::Bytes;
use napi::bindgen_prelude::{Object, ToNapiValue, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;

use crate::bridge::client::NativeClient;
use crate::engine::clients::admin::{
    alter_quotas, alter_scram_credentials, create_acls, delete_acls, describe_acls, describe_quotas,
    describe_scram_credentials,
};
use crate::engine::protocol::acl::{Acl, AclFilter};
use crate::engine::protocol::alter_client_quotas::{AlterClientQuotasRequest, QuotaChanges};
use crate::engine::protocol::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, ScramCredential,
};
use crate::engine::protocol::delete_acls::{DeletedAcl, DeletedAcls};
use crate::engine::protocol::describe_acls::{DescribedAcl, DescribedResource};
use crate::engine::protocol::describe_client_quotas::{
    DescribeClientQuotasRequest, QuotaEntity, QuotaEntry, QuotaFilter, QuotaName,
};
use crate::engine::protocol::describe_user_scram_credentials::DescribedUser;

use super::{byte, code};

#[napi(object, use_nullable = true)]
pub struct NativeAcl {
    pub resource_type: i32,
    pub resource_name: String,
    pub pattern_type: i32,
    pub principal: String,
    pub host: String,
    pub operation: i32,
    pub permission_type: i32,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeAclFilter {
    pub resource_type: i32,
    pub resource_name: Option<String>,
    pub pattern_type: i32,
    pub principal: Option<String>,
    pub host: Option<String>,
    pub operation: i32,
    pub permission_type: i32,
}

/// A code and the broker's words.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeOutcome {
    pub error_code: i32,
    pub error_message: Option<String>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeAcls {
    pub error_code: i32,
    pub error_message: Option<String>,
    pub resources: Vec<NativeAclResource>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeAclResource {
    pub resource_type: i32,
    pub resource_name: String,
    pub pattern_type: i32,
    pub acls: Vec<NativeAclOfResource>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeAclOfResource {
    pub principal: String,
    pub host: String,
    pub operation: i32,
    pub permission_type: i32,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeDeletedAcls {
    pub error_code: i32,
    pub error_message: Option<String>,
    pub acls: Vec<NativeDeletedAcl>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeDeletedAcl {
    pub error_code: i32,
    pub error_message: Option<String>,
    pub acl: NativeAcl,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeUsers {
    pub error_code: i32,
    pub error_message: Option<String>,
    pub users: Vec<NativeUser>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeUser {
    pub name: String,
    pub error_code: i32,
    pub error_message: Option<String>,
    pub credentials: Vec<NativeCredential>,
}

#[napi(object, use_nullable = true)]
pub struct NativeCredential {
    pub mechanism: i32,
    pub iterations: i32,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeCredentialDeletion {
    pub name: String,
    pub mechanism: i32,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeCredentialUpsertion {
    pub name: String,
    pub mechanism: i32,
    pub iterations: i32,
    pub salt: Uint8Array,
    pub salted_password: Uint8Array,
}

/// `name` null = the default of the type.
#[napi(object, use_nullable = true)]
pub struct NativeQuotaPart {
    #[napi(js_name = "type")]
    pub entity_type: String,
    pub name: Option<String>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeQuotaFilter {
    #[napi(js_name = "type")]
    pub entity_type: String,
    pub name: Option<String>,
    pub any: bool,
}

/// `value` null = removed.
#[napi(object, use_nullable = true)]
pub struct NativeQuotaValue {
    pub key: String,
    pub value: Option<f64>,
}

#[napi(object, object_to_js = false, use_nullable = true)]
pub struct NativeQuotaChanges {
    pub entity: Vec<NativeQuotaPart>,
    pub ops: Vec<NativeQuotaValue>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeQuotas {
    pub error_code: i32,
    pub error_message: Option<String>,
    pub entries: Vec<NativeQuotaEntry>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeQuotaEntry {
    pub entity: Vec<NativeQuotaPart>,
    pub values: Vec<NativeQuotaValue>,
}

#[napi(object, object_from_js = false, use_nullable = true)]
pub struct NativeAlteredQuotas {
    pub error_code: i32,
    pub error_message: Option<String>,
    pub entity: Vec<NativeQuotaPart>,
}

#[napi]
impl NativeClient {
    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn create_acls<'env>(&self, env: &'env Env, acls: Vec<NativeAcl>) -> Result<Object<'env>> {
        self.call(env, create_acls(acls.into_iter().map(to_acl).collect()), |env, answer| {
            let outcome = |(error, error_message)| NativeOutcome { error_code: code(error), error_message };
            answer.results.into_iter().map(outcome).collect::<Vec<_>>().into_unknown(env)
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_acls<'env>(&self, env: &'env Env, filter: NativeAclFilter) -> Result<Object<'env>> {
        self.call(env, describe_acls(to_filter(filter)), |env, answer| {
            let acl = |acl: DescribedAcl| NativeAclOfResource {
                principal: acl.principal,
                host: acl.host,
                operation: i32::from(acl.operation),
                permission_type: i32::from(acl.permission_type),
            };
            let resource = |resource: DescribedResource| NativeAclResource {
                resource_type: i32::from(resource.resource_type),
                resource_name: resource.resource_name,
                pattern_type: i32::from(resource.pattern_type),
                acls: resource.acls.into_iter().map(acl).collect(),
            };
            let acls = NativeAcls {
                error_code: code(answer.error),
                error_message: answer.error_message,
                resources: answer.resources.into_iter().map(resource).collect(),
            };
            acls.into_unknown(env)
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn delete_acls<'env>(&self, env: &'env Env, filters: Vec<NativeAclFilter>) -> Result<Object<'env>> {
        self.call(env, delete_acls(filters.into_iter().map(to_filter).collect()), |env, answer| {
            let acl = |deleted: DeletedAcl| NativeDeletedAcl {
                error_code: code(deleted.error),
                error_message: deleted.error_message,
                acl: from_acl(deleted.acl),
            };
            let filter = |deleted: DeletedAcls| NativeDeletedAcls {
                error_code: code(deleted.error),
                error_message: deleted.error_message,
                acls: deleted.acls.into_iter().map(acl).collect(),
            };
            answer.filters.into_iter().map(filter).collect::<Vec<_>>().into_unknown(env)
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_scram_credentials<'env>(
        &self,
        env: &'env Env,
        users: Option<Vec<String>>,
    ) -> Result<Object<'env>> {
        self.call(env, describe_scram_credentials(users), |env, answer| {
            let credential =
                |(mechanism, iterations)| NativeCredential { mechanism: i32::from(mechanism), iterations };
            let user = |user: DescribedUser| NativeUser {
                name: user.name,
                error_code: code(user.error),
                error_message: user.error_message,
                credentials: user.credentials.into_iter().map(credential).collect(),
            };
            let users = NativeUsers {
                error_code: code(answer.error),
                error_message: answer.error_message,
                users: answer.users.into_iter().map(user).collect(),
            };
            users.into_unknown(env)
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn alter_scram_credentials<'env>(
        &self,
        env: &'env Env,
        deletions: Vec<NativeCredentialDeletion>,
        upsertions: Vec<NativeCredentialUpsertion>,
    ) -> Result<Object<'env>> {
        let deletion = |deletion: NativeCredentialDeletion| (deletion.name, byte(deletion.mechanism));
        let upsertion = |upsertion: NativeCredentialUpsertion| ScramCredential {
            name: upsertion.name,
            mechanism: byte(upsertion.mechanism),
            iterations: upsertion.iterations,
            salt: Bytes::copy_from_slice(&upsertion.salt),
            salted_password: Bytes::copy_from_slice(&upsertion.salted_password),
        };
        let request = AlterUserScramCredentialsRequest {
            deletions: deletions.into_iter().map(deletion).collect(),
            upsertions: upsertions.into_iter().map(upsertion).collect(),
        };
        self.call(env, alter_scram_credentials(request), |env, answer| {
            let users = answer.users.into_iter();
            let results =
                users.map(|user| super::NativeResult::new(user.name, user.error, user.error_message));
            super::list(env, results)
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn describe_quotas<'env>(
        &self,
        env: &'env Env,
        components: Vec<NativeQuotaFilter>,
        strict: bool,
    ) -> Result<Object<'env>> {
        let filter = |filter: NativeQuotaFilter| {
            let name = match filter.name {
                _ if filter.any => QuotaName::Any,
                Some(name) => QuotaName::Exact(name),
                None => QuotaName::Default,
            };
            QuotaFilter { entity_type: filter.entity_type, name }
        };
        let components = components.into_iter().map(filter).collect();
        self.call(env, describe_quotas(DescribeClientQuotasRequest { components, strict }), |env, answer| {
            let value = |(key, value)| NativeQuotaValue { key, value: Some(value) };
            let entry = |entry: QuotaEntry| NativeQuotaEntry {
                entity: from_entity(entry.entity),
                values: entry.values.into_iter().map(value).collect(),
            };
            let quotas = NativeQuotas {
                error_code: code(answer.error),
                error_message: answer.error_message,
                entries: answer.entries.into_iter().map(entry).collect(),
            };
            quotas.into_unknown(env)
        })
    }

    #[napi(ts_return_type = "Promise<unknown>", catch_unwind)]
    pub fn alter_quotas<'env>(
        &self,
        env: &'env Env,
        entries: Vec<NativeQuotaChanges>,
        validate_only: bool,
    ) -> Result<Object<'env>> {
        let changes = |changes: NativeQuotaChanges| QuotaChanges {
            entity: changes.entity.into_iter().map(|part| (part.entity_type, part.name)).collect(),
            ops: changes.ops.into_iter().map(|op| (op.key, op.value)).collect(),
        };
        let entries = entries.into_iter().map(changes).collect();
        self.call(env, alter_quotas(AlterClientQuotasRequest { entries, validate_only }), |env, answer| {
            let altered = answer.entries.into_iter().map(|entry| NativeAlteredQuotas {
                error_code: code(entry.error),
                error_message: entry.error_message,
                entity: from_entity(entry.entity),
            });
            altered.collect::<Vec<_>>().into_unknown(env)
        })
    }
}

fn to_acl(acl: NativeAcl) -> Acl {
    Acl {
        resource_type: byte(acl.resource_type),
        resource_name: acl.resource_name,
        pattern_type: byte(acl.pattern_type),
        principal: acl.principal,
        host: acl.host,
        operation: byte(acl.operation),
        permission_type: byte(acl.permission_type),
    }
}

fn from_acl(acl: Acl) -> NativeAcl {
    NativeAcl {
        resource_type: i32::from(acl.resource_type),
        resource_name: acl.resource_name,
        pattern_type: i32::from(acl.pattern_type),
        principal: acl.principal,
        host: acl.host,
        operation: i32::from(acl.operation),
        permission_type: i32::from(acl.permission_type),
    }
}

fn to_filter(filter: NativeAclFilter) -> AclFilter {
    AclFilter {
        resource_type: byte(filter.resource_type),
        resource_name: filter.resource_name,
        pattern_type: byte(filter.pattern_type),
        principal: filter.principal,
        host: filter.host,
        operation: byte(filter.operation),
        permission_type: byte(filter.permission_type),
    }
}

fn from_entity(entity: QuotaEntity) -> Vec<NativeQuotaPart> {
    entity.into_iter().map(|(entity_type, name)| NativeQuotaPart { entity_type, name }).collect()
}
